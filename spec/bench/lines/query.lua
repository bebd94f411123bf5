local filled = require "spec.bench.filled"
local machine = require "spec.bench.machine"

local PAGE = "/logs/query?limit=1000"

--- The cursor of a page that begins in the middle of the rows: that of the first
--- page with another place in it.
local function deep_cursor(s, rows)
  local bytes = s:get(PAGE).json().next_cursor:gsub("%x%x", function(digits)
    return string.char(tonumber(digits, 16))
  end)
  local version, what = ("<I1 i8"):unpack(bytes)
  local place = ("<I1 i8 i8 i8"):pack(version, what, filled.time_us(rows, rows // 2), rows // 2)
  return (place:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function measure(rows, deep, options)
  return function()
    local s = filled.server(rows)
    local path = PAGE .. (deep and "&cursor=" .. deep_cursor(s, rows) or "")
    assert(s:get(path).json().count == 1000, "not a full page")
    local found = machine.wrk(s, path, { connections = 1, seconds = options.seconds })
    s:stop()
    return { p50_ms = found.p50_us / 1e3, p99_ms = found.p99_us / 1e3, errors = found.errors }
  end
end

return {
  summary = "1,000 rows as JSON, the newest and from the middle by cursor, one client",
  subjects = function(options)
    local many, few = options.rows, 100000
    return {
      { name = "newest, many rows", run = measure(many, false, options) },
      { name = "newest, 100k rows", run = measure(few, false, options) },
      { name = "deep, many rows", run = measure(many, true, options) },
      { name = "deep, 100k rows", run = measure(few, true, options) },
    }
  end,
  targets = {
    { metric = "p50_ms", against = "newest, 100k rows", at_most = 1.2 },
    { metric = "p50_ms", of = "deep, many rows", against = "deep, 100k rows", at_most = 1.2 },
    { metric = "errors", at_most = 0 },
  },
}
