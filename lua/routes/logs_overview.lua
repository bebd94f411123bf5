--- Everything that the dashboard's first view shows, from one snapshot of the rollups.
local filters = require "lib.filters"
local needs_storage = require "lib.needs_storage"
local overview = later "analytics.overview"
local storage = require "storage"
local window = later "lib.window"

local DAY = 86400

-- The same filters over another window.
local function where(req, start_time, end_time)
  local values = {}
  for name, value in pairs(req.params) do
    values[name] = value
  end
  values.start_time, values.end_time = start_time, end_time
  return filters.where(values)
end

return {
  summary = "Figures, points over time and breakdowns of a window, beside the window before it.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  params = filters.params {},

  ---@param req Request
  ---@return Response
  handle = function(req)
    local end_time = req.params.end_time or req.now
    local start_time = req.params.start_time or end_time - DAY
    local every = overview.step(end_time - start_time)
    local quantiles = overview.quantiles

    local now, err, reason = storage.aggregate {
      where = where(req, start_time, end_time),
      { quantiles = quantiles },
      { every = every, quantiles = quantiles },
      { by = { "model" }, every = every, measures = { "cost_usd" } },
      { by = { "model" }, quantiles = quantiles },
      { by = { "service_type" }, quantiles = quantiles },
      { by = { "endpoint" }, quantiles = quantiles, order_by = "requests", descending = true,
        limit = 50 },
    }
    if not now then
      return needs_storage.failed(err, reason)
    end
    local before
    before, err, reason = storage.aggregate {
      where = where(req, start_time - (end_time - start_time), start_time),
      { quantiles = quantiles },
    }
    if not before then
      return needs_storage.failed(err, reason)
    end
    local asked = { start_time = start_time, end_time = end_time, every = every }
    local answer = overview.shape(asked, now, before)
    answer.stored = storage.stats().rows
    answer.exact = window.exact(table.unpack(now))
    answer.window = window.used(req.params, table.unpack(now))
    return { json = answer }
  end,
}
