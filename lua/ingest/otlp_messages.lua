--- OTLP's messages by field number (opentelemetry-proto), with the names that OTLP/JSON
--- gives them, as protobuf.schema takes them.
local function list(number, type)
  return { number, type, repeated = true }
end

return {
  AnyValue = {
    stringValue = { 1, "string" }, boolValue = { 2, "bool" },
    intValue = { 3, "int" }, doubleValue = { 4, "double" },
    arrayValue = { 5, "ArrayValue" }, kvlistValue = { 6, "KeyValueList" },
  },
  ArrayValue = { values = list(1, "AnyValue") },
  KeyValueList = { values = list(1, "KeyValue") },
  KeyValue = { key = { 1, "string" }, value = { 2, "AnyValue" } },
  Resource = { attributes = list(1, "KeyValue") },
  Scope = { name = { 1, "string" }, version = { 2, "string" } },

  ExportMetricsServiceRequest = { resourceMetrics = list(1, "ResourceMetrics") },
  ResourceMetrics = { resource = { 1, "Resource" }, scopeMetrics = list(2, "ScopeMetrics") },
  ScopeMetrics = { scope = { 1, "Scope" }, metrics = list(2, "Metric") },
  Metric = {
    name = { 1, "string" }, description = { 2, "string" },
    unit = { 3, "string" }, gauge = { 5, "Gauge" },
    sum = { 7, "Sum" }, histogram = { 9, "Histogram" }, exponentialHistogram = { 10, "Unread" },
    summary = { 11, "Unread" },
  },
  Gauge = { dataPoints = list(1, "NumberDataPoint") },
  Sum = {
    dataPoints = list(1, "NumberDataPoint"), aggregationTemporality = { 2, "int" },
    isMonotonic = { 3, "bool" },
  },
  Histogram = { dataPoints = list(1, "HistogramDataPoint"), aggregationTemporality = { 2, "int" } },
  Unread = { dataPoints = list(1, "UnreadDataPoint") },
  UnreadDataPoint = {},
  NumberDataPoint = {
    startTimeUnixNano = { 2, "fixed64" }, timeUnixNano = { 3, "fixed64" },
    asDouble = { 4, "double" },
    asInt = { 6, "fixed64" }, attributes = list(7, "KeyValue"),
  },
  HistogramDataPoint = {
    startTimeUnixNano = { 2, "fixed64" }, timeUnixNano = { 3, "fixed64" }, count = { 4, "fixed64" },
    sum = { 5, "double" }, attributes = list(9, "KeyValue"),
  },
}
