--- Live events, as server-sent events.  Needs neither storage nor collection.
local filters = require "lib.filters"
local params = require "lib.params"
local sse = require "sse"

-- Here the empty string is a filter like any other.
local READS =
  { model = filters.exact_or_empty "model", service_type = filters.list_or_empty "service_type" }

-- Where to go on.  A browser's polyfill sends an empty id before it has seen one.
local function resume_after(req)
  for _, id in ipairs { req.headers["last-event-id"] or "", req.params.last_event_id,
      req.params.lastEventId } do
    if id ~= "" then
      return id
    end
  end
end

return {
  summary = "Live events; Last-Event-ID resumes.",
  feature = "logs_endpoints_enabled",
  answers = "text/event-stream",
  params = filters.params {
    model = params.string { description = "Exactly this model." },
    service_type =
      params.string { description = "Service types, comma-separated; !NAME excludes." },
    min_duration_ms = params.float { finite = false, description = "Least duration, inclusive." },
    max_duration_ms =
      params.float { finite = false, description = "Greatest duration, inclusive." },
    status_code_min = params.integer { description = "Least status code, inclusive." },
    status_code_max = params.integer { description = "Greatest status code, inclusive." },
    last_event_id =
      params.string { default = "", description = "Where to go on, without a header." },
    lastEventId = params.string { default = "", description = "The same." },
  },

  ---@param req Request
  ---@return Stream
  handle = function(req)
    local values = req.params
    local replayed = filters.where(values, READS)
    values.start_time, values.end_time = nil, nil
    return sse.stream {
      topic = "logs",
      where = filters.where(values, READS),
      replay_where = replayed,
      hello = { type = "connection", message = "Connected to metrics stream", timestamp = req.now },
      resume = resume_after(req),
    }
  end,
}
