--- In how many days the file system of the database is full, at the pace of the last day; 0 where
--- less than a gibibyte is free.
local measured = require "alerting.measured"
local storage = require "storage"

local DAY, GIB = 24 * 3600, 1 << 30

return {
  summary = "The disk that the database is on is soon full.",
  measure = function(_, now)
    local stats = storage.stats()
    if not stats.free_bytes then
      return nil, "the file system does not say what is free"
    elseif stats.free_bytes < GIB then
      return 0
    end
    local groups, message = storage.aggregate {
      where = measured.last(DAY, now), measures = { "requests" },
    }
    if not groups then
      return nil, message
    end
    local requests = groups[1] and groups[1].requests or 0
    local bytes_a_day = requests * stats.file_bytes / math.max(stats.rows, 1)
    return bytes_a_day > 0 and stats.free_bytes / bytes_a_day or math.huge
  end,
  is = "below",
  warning = 7,
  critical = 1,
  every = "5m",
}
