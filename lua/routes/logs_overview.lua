--- Everything that the dashboard's first view shows, from one snapshot of the rollups.
local filters = require "lib.filters"
local needs_storage = require "lib.needs_storage"
local overview = later "analytics.overview"
local storage = require "storage"
local window = later "lib.window"

local DAY, MICROSECOND = 86400, 1e-6

-- The moments between which it shows; nil and why where they cannot be had.  A time of 0 is no
-- bound: all there is, up to now.
local function span(values, now)
  local last = values.end_time
  if not last or last == 0 then
    last = now
  end
  if values.start_time ~= 0 then
    return { first = values.start_time or last - DAY, last = last }
  end
  local first, message, reason = window.end_of_rows(false)
  if message then
    return nil, message, reason
  end
  return { first = math.min(first or last, last), last = last }
end

-- The same filters over another window.
local function where(params, first, last)
  local values = {}
  for name, value in pairs(params) do
    values[name] = value
  end
  values.start_time, values.end_time = nil, nil
  local conditions = filters.where(values)
  conditions[#conditions + 1] = { "timestamp", ">=", first }
  conditions[#conditions + 1] = { "timestamp", "<=", last }
  return conditions
end

return {
  summary = "Figures, points over time and breakdowns of a window, beside the window before it.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  params = filters.params {},

  ---@param req Request
  ---@return Response
  handle = function(req)
    local shown, message, reason = span(req.params, req.now)
    if not shown then
      return needs_storage.failed(message, reason)
    end
    local first, last = shown.first, shown.last
    local every = overview.step(last - first)
    local quantiles = overview.quantiles

    local now, before
    now, message, reason = storage.aggregate {
      where = where(req.params, first, last),
      { quantiles = quantiles },
      { every = every, quantiles = quantiles },
      { by = { "model" }, every = every, measures = { "cost_usd" } },
      { by = { "model" }, quantiles = quantiles },
      { by = { "service_type" }, quantiles = quantiles },
      { by = { "endpoint" }, quantiles = quantiles, order_by = "requests", descending = true,
        limit = 50 },
    }
    if not now then
      return needs_storage.failed(message, reason)
    end
    before, message, reason = storage.aggregate {
      where = where(req.params, first - (last - first), first - MICROSECOND),
      { quantiles = quantiles },
    }
    if not before then
      return needs_storage.failed(message, reason)
    end
    local asked = { start_time = first, end_time = last, every = every }
    local answer = overview.shape(asked, now, before)
    answer.stored = storage.stats().rows
    answer.exact = window.exact(table.unpack(now))
    answer.window = window.used(req.params, table.unpack(now))
    return { json = answer }
  end,
}
