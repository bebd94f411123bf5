--- OTLP metrics as Prometheus families: names as OpenTelemetry's Prometheus rules make
--- them, sums as counters, gauges as gauges, histograms as the counters of their count
--- and sum.  Cost and tokens in here are never added to records: those come from logs
--- and spans, and counting both would double them.
local batches = require "ingest.batch"
local metric_labels = require "ingest.metric_labels"
local metric_names = require "ingest.metric_names"
local otlp_tables = require "ingest.otlp_tables"
local values = require "lib.values"

local otlp_metrics = {}

---@class Point
---@field kind "counter"|"gauge"
---@field name string
---@field help string
---@field value number
---@field labels table<string, string>  by Prometheus name
---@field series string?   names the sender's series
---@field cumulative boolean?  its value counts from start, else it is added
---@field start integer?    unix nanoseconds
---@field time integer?

local function labels_of(metric, attributes, origin)
  local labels = { service = values.text(origin.resource["service.name"]) or "unknown" }
  for _, name in ipairs(metric_labels[metric.name] or metric_labels.default) do
    local value = attributes[name]
    local shown = type(value) ~= "table" and value ~= nil and tostring(value) or ""
    labels[metric_names.plain(name)] = values.clip(shown, 128)
  end
  return labels
end

local function series_of(name, attributes, origin)
  local parts = {}
  for _, from in ipairs { attributes, origin.resource } do
    for key, value in pairs(from) do
      if type(value) ~= "table" then
        parts[#parts + 1] = key .. "=" .. tostring(value)
      end
    end
  end
  table.sort(parts)
  return name .. "{" .. table.concat(parts, ",") .. "}" .. origin.scope
end

local delta, cumulative = 1, 2

local temporalities = {
  [delta] = delta, [cumulative] = cumulative, ["1"] = delta, ["2"] = cumulative,
  AGGREGATION_TEMPORALITY_DELTA = delta, AGGREGATION_TEMPORALITY_CUMULATIVE = cumulative,
}

-- suffix is that of a histogram's part.
local function put(batch, metric, origin, kind, suffix, point, value, temporality)
  local attributes = otlp_tables.attributes(point.attributes)
  local name = metric_names.family(metric, suffix and "histogram" or kind) .. (suffix or "")
  batch.points[#batch.points + 1] = {
    kind = kind,
    name = name,
    help = values.text(metric.description) or ("OTLP metric " .. metric.name),
    value = value,
    labels = labels_of(metric, attributes, origin),
    series = temporality and series_of(name, attributes, origin),
    cumulative = temporality == cumulative or nil,
    start = temporality and values.nanoseconds(point.startTimeUnixNano) or nil,
    time = temporality and values.nanoseconds(point.timeUnixNano) or nil,
  }
end

local function value_of(point)
  return values.number(point.asDouble) or values.number(point.asInt)
end

local function reject(batch, metric, fault, count)
  batch:reject(("metric %s: %s"):format(values.clip(metric.name, 100), fault), count)
end

local function each_point(batch, metric, data, visit)
  for _, point in ipairs(values.object(data.dataPoints)) do
    local fault = type(point) ~= "table" and "a data point is no object"
      or otlp_tables.misfit(point, "attributes", "array") or visit(point)
    if fault then
      reject(batch, metric, fault)
    end
  end
end

local function take_sum(batch, metric, origin)
  local sum = metric.sum
  local temporality = temporalities[sum.aggregationTemporality]
  local counts = sum.isMonotonic == true
  each_point(batch, metric, sum, function(point)
    local value = value_of(point)
    if not value then
      return "a data point has no value"
    end
    if counts and not temporality then
      return "a sum has no temporality"
    end
    if counts and value < 0 then
      return "a monotonic sum is negative"
    end
    if not counts then
      put(batch, metric, origin, "gauge", nil, point, value)
      return
    end
    put(batch, metric, origin, "counter", nil, point, value, temporality)
  end)
end

local function take_gauge(batch, metric, origin)
  each_point(batch, metric, metric.gauge, function(point)
    local value = value_of(point)
    if not value then
      return "a data point has no value"
    end
    put(batch, metric, origin, "gauge", nil, point, value)
  end)
end

local function take_histogram(batch, metric, origin)
  local temporality = temporalities[metric.histogram.aggregationTemporality]
  each_point(batch, metric, metric.histogram, function(point)
    local n, sum = values.count(point.count), values.number(point.sum)
    if not n or not temporality then
      return "a histogram has no count or no temporality"
    end
    put(batch, metric, origin, "counter", "_count_total", point, n, temporality)
    if sum and sum >= 0 then
      put(batch, metric, origin, "counter", "_sum_total", point, sum, temporality)
    end
  end)
end

local takers = { sum = take_sum, gauge = take_gauge, histogram = take_histogram }
local kinds = { "sum", "gauge", "histogram", "exponentialHistogram", "summary" }

local function take(batch, metric, origin)
  if type(metric.name) ~= "string" or metric.name == "" or #metric.name > 255 then
    batch:reject("a metric has no name, or too long a one")
    return
  end
  batch:recognise()
  for _, kind in ipairs(kinds) do
    local data = values.object(metric[kind])
    local fault = otlp_tables.misfit(metric, kind, "object")
      or otlp_tables.misfit(data, "dataPoints", "array")
    local points = not fault and values.object(data.dataPoints) or {}
    if fault then
      reject(batch, metric, fault)
    elseif #points > 0 and not takers[kind] then
      reject(batch, metric, kind .. " is not supported", #points)
    elseif #points > 0 then
      takers[kind](batch, metric, origin)
    end
  end
end

--- Points of an ExportMetricsServiceRequest, in the batch's points.
---@param source Source
---@param hand_on (fun(batch: Batch): any?, string?)?
---@return Batch
function otlp_metrics.decode(source, hand_on)
  local batch = batches.new(hand_on)
  otlp_tables.each(source, batch, function(metric, origin)
    take(batch, metric, origin)
  end)
  return batch
end

return otlp_metrics
