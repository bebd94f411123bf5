--- Numbers as people read them in a terminal.
local amounts = {}

local function grouped(digits)
  local text = digits:reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

--- 1234567.0 -> "1,234,567"
---@param n number
---@return string
function amounts.count(n)
  local text = grouped(("%.0f"):format(math.abs(n)))
  return n < 0 and "-" .. text or text
end

--- 45300 -> "45.3k"
---@param n number
---@return string
function amounts.short(n)
  for _, unit in ipairs { { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" } } do
    if n >= unit[1] then
      return ("%.1f%s"):format(n / unit[1], unit[2])
    end
  end
  return ("%.0f"):format(n)
end

--- Dollars with cents, or with as many places as show that it is something.
---@param dollars number
---@return string
function amounts.dollars(dollars)
  if dollars ~= 0 and math.abs(dollars) < 0.01 then
    return ("$%.4f"):format(dollars)
  end
  local whole, cents = ("%.2f"):format(dollars):match "^(-?%d+)(%.%d+)$"
  return (whole:sub(1, 1) == "-" and "-$" or "$") .. grouped(whole:gsub("-", "")) .. cents
end

---@param ms number
---@return string
function amounts.duration(ms)
  return ms < 1000 and ("%.0f ms"):format(ms) or ("%.1f s"):format(ms / 1000)
end

return amounts
