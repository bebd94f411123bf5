--- Text of a record, for a terminal: whoever may send records has written it.
local CONTROLS = {
  "%c", "\xC2[\x80-\x9F]",                             -- C0, DEL and C1
  "\xE2\x80[\x8E\x8F\xAA-\xAE]", "\xE2\x81[\xA6-\xA9]", -- those that turn the line around
}

--- Without what moves the cursor, sets titles or turns the line around: a ? stands for each.
---@param text any  nil: nothing
---@return string
return function(text)
  local shown = tostring(text or "")
  for _, pattern in ipairs(CONTROLS) do
    shown = shown:gsub(pattern, "?")
  end
  return shown
end
