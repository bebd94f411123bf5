--- Which attributes of a sender's metric become labels.  Those of a person, a session
--- or a prompt are left out: each would make a series.  Points that differ in them only
--- are added up.
local usage = { "type", "model", "query_source", "speed", "effort" }
local call = { "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.system",
  "gen_ai.request.model", "error.type" }
local tokens = {
  "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.system",
  "gen_ai.request.model", "gen_ai.token.type",
}
-- Codex' (codex-rs/otel): each is a count, and the same with .duration_ms a histogram.
local request, socket, event, tool =
  { "model", "status", "success" }, { "model", "success" }, { "kind", "success" },
  { "tool", "success" }

return {
  default = {},

  ["claude_code.session.count"] = { "start_type" },
  ["claude_code.lines_of_code.count"] = { "type", "model" },
  ["claude_code.pull_request.count"] = {},
  ["claude_code.commit.count"] = {},
  ["claude_code.cost.usage"] = { "model", "query_source", "speed", "effort" },
  ["claude_code.token.usage"] = usage,
  ["claude_code.code_edit_tool.decision"] = { "tool_name", "decision", "source", "language" },
  ["claude_code.active_time.total"] = { "type" },

  ["gemini_cli.token.usage"] = { "type", "model" },
  ["gemini_cli.api.request.count"] = { "model", "status_code", "error_type" },
  ["gemini_cli.tool.call.count"] = { "function_name", "success", "decision" },

  ["codex.turn.token_usage"] = { "model", "token_type" },
  ["codex.turn.e2e_duration_ms"] = { "model" },
  ["codex.turn.ttft.duration_ms"] = { "model" },
  ["codex.turn.tool.call"] = { "model" },
  ["codex.api_request"] = request,
  ["codex.api_request.duration_ms"] = request,
  ["codex.websocket.request"] = socket,
  ["codex.websocket.request.duration_ms"] = socket,
  ["codex.sse_event"] = event,
  ["codex.sse_event.duration_ms"] = event,
  ["codex.websocket.event"] = event,
  ["codex.websocket.event.duration_ms"] = event,
  ["codex.tool.call"] = tool,
  ["codex.tool.call.duration_ms"] = tool,

  ["gen_ai.client.token.usage"] = tokens,
  ["gen_ai.client.operation.duration"] = call,
  ["gen_ai.client.inference.usage.input_tokens"] = call,
  ["gen_ai.client.inference.usage.output_tokens"] = call,
  ["gen_ai.client.inference.usage.cache_read.input_tokens"] = call,
  ["gen_ai.client.inference.usage.cache_write.input_tokens"] = call,
  ["gen_ai.client.inference.usage.reasoning.output_tokens"] = call,
}
