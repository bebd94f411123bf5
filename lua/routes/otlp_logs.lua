--- OTLP logs: Claude Code, Codex CLI, Gemini CLI.
local otlp_http = later "ingest.otlp_http"
local otlp_logs = later "ingest.otlp_logs"
local price_table = later "lib.price_table"
local store = require "ingest.store"

return {
  summary = "Takes OTLP logs, as JSON or protobuf.",
  scope = "ingest",
  takes = { "application/json", "application/x-protobuf" },

  ---@param req Request
  ---@return Response
  handle = function(req)
    return otlp_http.take(req, "logs", function(source, hand_on)
      return otlp_logs.decode(source, price_table.current(), hand_on)
    end, store.batch)
  end,
}
