--- In how many days the file system of the database is full, as it has filled in the last day; 0
--- where less than a gibibyte is free.
local retention = require "lib.retention"

local GIB = 1 << 30

return {
  summary = "The disk that the database is on is soon full.",
  measure = function(_, now)
    local figures, message = retention.read(now)
    if not figures then
      return nil, message
    elseif not figures.disk_free then
      return nil, "the file system does not say what is free"
    elseif figures.disk_free < GIB then
      return 0
    end
    return retention.full_in_days(figures) or math.huge
  end,
  is = "below",
  warning = 7,
  critical = 1,
  every = "5m",
}
