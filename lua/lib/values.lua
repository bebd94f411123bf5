--- What senders mean by the values they send: numbers as strings, booleans as words,
--- null as "None".
local values = {}

local huge, math_type, type = math.huge, math.type, type

-- A number, or what a text says.
local function number_of(v)
  if type(v) == "number" then
    return v
  elseif type(v) ~= "string" or #v > 64 or v:find("^%s*[+-]?0[xX]") then
    return nil
  end
  return tonumber(v)
end

--- A finite number from a number or a numeric string; whole ones as integers.
---@param v any
---@return number?
function values.number(v)
  if v == nil or math_type(v) == "integer" then
    return v
  end
  v = number_of(v)
  if not v or v ~= v or v == huge or v == -huge then
    return nil
  end
  return math.tointeger(v) or v
end

--- A count: whole, not negative.
---@return integer?
function values.count(v)
  if v == nil then
    return nil
  elseif math_type(v) == "integer" then
    return v >= 0 and v or nil
  end
  local n = values.number(v)
  if not n or n < 0 or n >= 2 ^ 63 then
    return nil
  end
  return math.tointeger(n) or math.floor(n)
end

--- Milliseconds of so many seconds, to the microsecond.
---@param seconds number
---@return number
function values.milliseconds(seconds)
  return math.floor(seconds * 1e6 + 0.5) / 1e3
end

--- Text with something in it; numbers become text, Python's None does not.
---@return string?
function values.text(v)
  if v == nil or v == "" or v == "None" then
    return nil
  end
  local kind = type(v)
  if kind == "number" then
    return tostring(math.tointeger(v) or v)
  end
  return kind == "string" and v or nil
end

--- The first of several values that is text.
---@return string?
function values.first_text(...)
  for i = 1, select("#", ...) do
    local text = values.text((select(i, ...)))
    if text then
      return text
    end
  end
  return nil
end

local words = { ["true"] = true, ["True"] = true, ["1"] = true, ["false"] = false,
  ["False"] = false, ["0"] = false }

---@return boolean?
function values.flag(v)
  if type(v) == "boolean" then
    return v
  end
  return words[tostring(v)]
end

--- The names as a table {name = true}.
---@param ... string
---@return table<string, true>
function values.set(...)
  local set = {}
  for _, name in ipairs { ... } do
    set[name] = true
  end
  return set
end

local nothing = setmetatable({}, { __newindex = function() error("shared") end })

--- v when it is a table, else an empty one.
---@return table
function values.object(v)
  return type(v) == "table" and v or nothing
end

-- A clock before 1973 is no clock, and as a smaller number it would be read as seconds.
local first_clock = 10 ^ 17

--- Unix nanoseconds of OTLP: decimal text or number; 0 stands for unknown.
---@return integer?
function values.nanoseconds(v)
  local n = values.count(v)
  return n and n >= first_clock and n or nil
end

--- Text no longer than limit bytes, cut at a character.
---@param text string?
---@param limit integer
---@return string?
function values.clip(text, limit)
  if not text or #text <= limit then
    return text
  end
  while limit > 0 and (text:byte(limit + 1) & 0xC0) == 0x80 do
    limit = limit - 1
  end
  return text:sub(1, limit)
end

return values
