--- OTLP traces: LLM calls in the GenAI conventions, OpenInference, OpenLLMetry,
--- OpenRouter's Broadcast.
local otlp_http = later "ingest.otlp_http"
local otlp_traces = later "ingest.otlp_traces"
local price_table = later "lib.price_table"
local store = require "ingest.store"

return {
  summary = "Takes OTLP traces, as JSON or protobuf.",
  scope = "ingest",
  takes = { "application/json", "application/x-protobuf" },

  ---@param req Request
  ---@return Response
  handle = function(req)
    return otlp_http.take(req, "traces", function(source, hand_on)
      return otlp_traces.decode(source, price_table.current(), hand_on)
    end, store.batch)
  end,
}
