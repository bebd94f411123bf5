--- Bytes and seconds as people read them.
local sizes = {}

local units = { "KiB", "MiB", "GiB", "TiB" }

---@param n integer
---@return string  "812 bytes", "3.4 GiB"
function sizes.bytes(n)
  if n < 1024 then
    return ("%d bytes"):format(n)
  end
  local value, unit = n / 1024, 1
  while value >= 1024 and unit < #units do
    value, unit = value / 1024, unit + 1
  end
  return (value < 10 and "%.1f %s" or "%.0f %s"):format(value, units[unit])
end

---@param n number
---@return string  "0.4 s", "38 s", "12 min", "3.5 h"
function sizes.seconds(n)
  if n < 120 then
    return (n < 10 and "%.1f s" or "%.0f s"):format(n)
  end
  return n < 7200 and ("%.0f min"):format(n / 60) or ("%.1f h"):format(n / 3600)
end

return sizes
