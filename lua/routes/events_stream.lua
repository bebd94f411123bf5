--- What senders tell beside requests, live.
local sse = require "sse"

return {
  summary = "Live events of senders that are no requests.",
  feature = "logs_endpoints_enabled",
  answers = "text/event-stream",

  ---@param req Request
  ---@return Stream
  handle = function(req)
    return sse.stream {
      topic = "events",
      hello = { type = "connection", message = "Connected to events stream", timestamp = req.now },
      resume = req.headers["last-event-id"],
    }
  end,
}
