--- Rules and budgets as they change, live.
local sse = require "sse"

return {
  summary = "Live events of rules whose state changes and of budgets that are being used up.",
  feature = "logs_endpoints_enabled",
  answers = "text/event-stream",

  ---@param req Request
  ---@return Stream
  handle = function(req)
    return sse.stream {
      topic = "alerts",
      hello = { type = "connection", message = "Connected to alerts stream", timestamp = req.now },
      resume = req.headers["last-event-id"],
    }
  end,
}
