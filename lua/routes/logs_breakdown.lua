--- Who spent what, and when: figures by one to three columns, and by hour, day, week or month of
--- some time zone.
local calendar = later "lib.calendar"
local fields = require "lib.fields"
local filters = require "lib.filters"
local json = require "json"
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"
local spend = later "analytics.spend"
local storage = require "storage"
local window = later "lib.window"
local zones = later "lib.zones"

local MOST_BUCKETS = 20000

local ORDERS = {}
for name in pairs(spend.ORDERS) do
  ORDERS[#ORDERS + 1] = name
end
table.sort(ORDERS)

local function find_zone(input)
  return zones.find(input),
    ("a time zone of this machine, such as Europe/Berlin, or +hh:mm: it knows no %q"):format(input)
end

-- The moments between which buckets are wanted, in whole seconds; nil, or nil, why not and its
-- reason, where there are none.
local function span(values)
  local first, last, message, reason = values.start_time, values.end_time, nil, nil
  if not first or first == 0 then
    first, message, reason = window.end_of_rows(false)
  end
  if first and (not last or last == 0) then
    last, message, reason = window.end_of_rows(true)
  end
  if not first or not last then
    return nil, message, reason
  end
  return { first = math.floor(first), last = math.floor(last) }
end

-- A row may be of a year that only its sender's clock knows: where the buckets to it would be too
-- many, an open window ends now.  nil: there are too many.
local function bounds_of(values, asked, now)
  local first, last = asked.first, asked.last
  local zone, is_open = values.tz or zones.UTC, not values.end_time or values.end_time == 0
  local bounds = calendar.bounds(zone, values.every, first, last, MOST_BUCKETS)
  if not bounds and is_open and now < last then
    values.end_time = now
    bounds = calendar.bounds(zone, values.every, first, math.floor(now), MOST_BUCKETS)
  end
  return bounds
end

-- Nothing to show: no row, or no time between the bounds.
local function empty(values)
  return {
    json = { groups = json.array {}, other = json.null, totals = spend.NONE,
      window = window.asked(values), by = json.array(values.by), exact = true },
  }
end

local function line(group, values, zone)
  local shape = spend.shape(group)
  for _, column in ipairs(values.by) do
    shape[column] = group[column]
  end
  if values.every then
    shape.bucket = calendar.iso(zone, math.tointeger(group.time))
  end
  return shape
end

local function answer(groups, values, zone)
  local lines = json.array {}
  for i, group in ipairs(groups) do
    lines[i] = line(group, values, zone)
  end
  return {
    json = {
      groups = lines,
      other = groups.other and spend.shape(groups.other) or json.null,
      totals = groups.totals and spend.shape(groups.totals) or spend.NONE,
      window = window.used(values, groups),
      by = json.array(values.by),
      exact = groups.exact,
    },
  }
end

return {
  summary = "Figures by one to three columns, and by hour, day, week or month.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  params = filters.params {
    by = fields.keys_param(3, { required = true,
      description = "One to three columns, comma-separated." }),
    every = params.string { one_of = { "hour", "day", "week", "month" },
      description = "Also by these; weeks begin on Monday." },
    tz = params.string {
      check = find_zone,
      description = "The zone of every: Europe/Berlin, or +hh:mm; else UTC.",
    },
    order_by = params.string { default = "total_cost_usd", one_of = ORDERS,
      description = "The figure; most first." },
    limit = params.integer {
      default = 50, ge = 1, le = 1000,
      description = "Most values of by, each with all its buckets; the rest is one line, other.",
    },
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local values, bounds = req.params, nil
    if values.every then
      local asked, message, reason = span(values)
      if not asked then
        return message and needs_storage.failed(message, reason) or empty(values)
      end
      bounds = bounds_of(values, asked, req.now)
      if not bounds then
        return params.refuse("every", values.every, "too_many",
          ("Input should give at most %d buckets: take wider ones, or narrow the window"):format(
            MOST_BUCKETS))
      elseif #bounds == 0 then
        return empty(values)
      end
    end
    local groups, message, reason = storage.aggregate {
      where = filters.where(values), by = values.by, bounds = bounds, limit = values.limit,
      rest = true,
      quantiles = spend.QUANTILES, sketches = spend.SKETCHES,
      order_by = spend.ORDERS[values.order_by], descending = true,
    }
    if not groups then
      return needs_storage.failed(message, reason)
    end
    return answer(groups, values, values.tz or zones.UTC)
  end,
}
