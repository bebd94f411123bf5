--- A value as OTLP's JSON has it: an AnyValue of text, a number or a flag.
---@param value string|number|boolean
---@return table
return function(value)
  if math.type(value) == "integer" then
    return { intValue = tostring(value) }
  elseif type(value) == "number" then
    return { doubleValue = value }
  elseif type(value) == "boolean" then
    return { boolValue = value }
  end
  return { stringValue = value }
end
