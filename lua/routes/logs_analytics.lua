--- Totals, rates, breakdowns and trends of a window, all from one snapshot.
local breakdown = later "analytics.breakdown"
local figures = later "analytics.figures"
local filters = require "lib.filters"
local hourly_trends = later "analytics.hourly_trends"
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"
local repeat_params = require "lib.repeat_params"
local request_analytics = later "analytics.request_analytics"
local storage = require "storage"
local summary = later "analytics.summary"
local token_analytics = later "analytics.token_analytics"
local window = later "lib.window"

local HOUR, MAX_POINTS = 3600, 1000

local READS = { model = filters.exact "model", service_type = filters.list "service_type" }

-- Without any time the window is the last hours; one time alone leaves the other side open.
local function set_window(values, now)
  if values.start_time == nil and values.end_time == nil then
    values.start_time = now - values.hours * HOUR
    values.end_time = now
  end
end

-- A time of 0 is no bound.
local function bound(time)
  return time ~= 0 and time or nil
end

-- The contract's shape, as long as all that it asks for is there.
local function with_window(values, answers, shape)
  if not window.exact(table.unpack(answers)) then
    shape.exact, shape.window = false, window.used(values, table.unpack(answers))
  end
  return shape
end

return {
  summary = "Summary statistics, hourly trends, and breakdowns by service type and model.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  params = filters.params {
    start_time = params.time { description = "Unix seconds, inclusive; 0 is no bound." },
    end_time = params.time { description = "Unix seconds, inclusive; 0 is no bound." },
    model = params.string { description = "Exactly this model; empty is no filter." },
    service_type =
      params.string { description = "Service types, comma-separated; !NAME excludes." },
    hours = params.integer {
      default = 24, ge = 1, le = 168,
      description = "The window, where neither start_time nor end_time is given.",
    },
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local values = req.params
    set_window(values, req.now)
    local first, last = bound(values.start_time), bound(values.end_time)
    local answers, message, reason = storage.aggregate {
      where = filters.where(values, READS),
      { quantiles = figures.QUANTILES },
      { by = { "service_type" }, quantiles = figures.QUANTILES },
      { by = { "model" }, quantiles = figures.QUANTILES },
      { every = HOUR, max_points = MAX_POINTS, measures = hourly_trends.measures },
    }
    if not answers then
      return needs_storage.failed(message, reason)
    end
    local total, services, models, trends = answers[1][1] or figures.NONE, answers[2], answers[3],
      answers[4]
    return {
      json = with_window(values, answers, {
        summary = summary.shape(total),
        token_analytics = token_analytics.shape(total),
        request_analytics = request_analytics.shape(total),
        service_type_breakdown = breakdown.shape(services, "service_type"),
        model_breakdown = breakdown.shape(models, "model"),
        hourly_trends = hourly_trends.shape(trends, trends.every, first, last),
        bucket_seconds = trends.every,
        query_time = req.now,
        backend = "sqlmodel",
        query_params =
          repeat_params(values, { "start_time", "end_time", "model", "service_type", "hours" }),
      }),
    }
  end,
}
