--- Requests of the last hours, by service type, of all that sent some in the last week.
local measured = require "alerting.measured"
local storage = require "storage"

local WEEK = 7 * 24 * 3600

local function counts(window, now)
  local groups, message = storage.aggregate {
    where = measured.last(window, now), by = { "service_type" }, measures = { "requests" },
    order_by = "requests", descending = true, limit = 100,
  }
  local found = {}
  for _, group in ipairs(groups or {}) do
    found[group.service_type] = group.requests
  end
  return groups and found, message
end

return {
  summary = "A sender that told of requests does so no longer.",
  window = "6h",
  measure = function(rule, now)
    local known, message = counts(WEEK, now)
    local lately
    if known then
      lately, message = counts(rule.window, now)
    end
    if not lately then
      return nil, message
    end
    local values = {}
    for service_type in pairs(known) do
      values[#values + 1] =
        { group = { service_type = service_type }, value = lately[service_type] or 0 }
    end
    return values
  end,
  is = "below",
  warning = 1,
}
