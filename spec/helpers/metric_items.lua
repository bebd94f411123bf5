--- The items of a decoded ExportMetricsServiceRequest, as ingest.otlp_sources gives them.
local json = require "spec.helpers.json"

local function object(value)
  return type(value) == "table" and value ~= json.null and value or {}
end

---@param message any
---@return Source
return function(message)
  return coroutine.wrap(function()
    for _, resource in ipairs(object(object(message).resourceMetrics)) do
      resource = object(resource)
      for _, scope in ipairs(object(resource.scopeMetrics)) do
        scope = object(scope)
        for _, item in ipairs(object(scope.metrics)) do
          coroutine.yield(item, resource, scope)
        end
      end
    end
  end)
end
