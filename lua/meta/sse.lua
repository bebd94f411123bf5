---@meta sse

--- Server-sent events.
local sse = {}

--- What a handler returns instead of a table: the answer becomes a stream.
---@class Stream

---@class StreamOptions
---@field topic string                "logs", or one of your own
---@field where Condition[]?          which events; events of your own topics are not filtered
---@field replay_where Condition[]?   which of those that are replayed; default: where
---@field hello table?                the first event; gets a connection_id
---@field resume string?              Last-Event-ID as the client sent it

---@param options StreamOptions
---@return Stream
function sse.stream(options) end

--- Sends an event to the subscribers of a topic of your own, on all loops.
---@param topic string  at most 64 bytes
---@param event any     what json.encode takes
function sse.publish(topic, event) end

---@class StreamStats
---@field subscribers integer
---@field groups integer      different filters among them
---@field published integer   events since the start
---@field delivered integer   of these, added up over subscribers
---@field dropped integer     events that slow subscribers were told they had missed

---@return StreamStats
function sse.stats() end

return sse
