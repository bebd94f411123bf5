---@meta metrics

--- Prometheus families of your own.  A family lives as long as the server; making
--- it again, in a new generation, finds its series.  Each family has a bounded
--- number of label sets (metrics.max_series).
local metrics = {}

---@class FamilyOptions
---@field name string       as in the text format, with its unit and _total where it is a counter
---@field help string
---@field labels string[]?  at most 8 names

---@class HistogramOptions: FamilyOptions
---@field buckets number[]?  upper bounds, ascending

---@class Counter
local Counter = {}

---@param n number?    default 1
---@param ... string   a value for each label
function Counter:inc(n, ...) end

---@class Gauge
local Gauge = {}

---@param n number
---@param ... string
function Gauge:set(n, ...) end

---@param n number
---@param ... string
function Gauge:inc(n, ...) end

---@class Histogram
local Histogram = {}

---@param n number
---@param ... string
function Histogram:observe(n, ...) end

---@param options FamilyOptions
---@return Counter
function metrics.counter(options) end

---@param options FamilyOptions
---@return Gauge
function metrics.gauge(options) end

---@param options HistogramOptions
---@return Histogram
function metrics.histogram(options) end

--- The page of all families, made on a worker thread.  Yields.
---@param accept string?  the client's Accept header
---@return Fragment page
---@return string content_type
function metrics.render(accept) end

return metrics
