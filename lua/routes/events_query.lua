--- What senders told beside requests, where config.lua keeps it.
local config = require "config"
local json = require "json"
local params = require "lib.params"
local storage = require "storage"

-- Parameter, condition, and what the parameter is multiplied by.
local filters = {
  { "sender", "json_extract(data, '$.sender') = ?" },
  { "name", "kind = ?" },
  { "session", "json_extract(data, '$.session') = ?" },
  { "start_time", "time >= ?", 1000000 },
  { "end_time", "time <= ?", 1000000 },
  { "before", "entry < ?" },
}

local function statement(values)
  local conditions, bound = { "topic = 'events'" }, {}
  for _, filter in ipairs(filters) do
    local value = values[filter[1]]
    if value then
      conditions[#conditions + 1] = filter[2]
      bound[#bound + 1] = filter[3] and math.floor(value * filter[3] + 0.5) or value
    end
  end
  bound[#bound + 1] = values.limit
  return ("SELECT entry, data FROM journal WHERE %s ORDER BY entry DESC LIMIT ?"):format(
    table.concat(conditions, " AND ")), bound
end

local function shape(rows, limit)
  local events = json.array {}
  for i, row in ipairs(rows) do
    events[i] = json.fragment(row.data)
  end
  return { events = events, count = #rows, next_before = #rows == limit and rows[limit].entry
    or json.null }
end

return {
  summary = "Events of senders that are no requests, newest first.",
  feature = "logs_endpoints_enabled",
  params = {
    limit = params.integer { default = 100, ge = 1, le = 10000 },
    sender = params.string {
      description = "claude_code, codex, gemini_cli, qwen-code or a resource's service.name.",
    },
    name = params.string { description = "Without the sender's prefix: tool_result." },
    session = params.string {},
    start_time = params.time { description = "Unix seconds, inclusive." },
    end_time = params.time { description = "Unix seconds, inclusive." },
    before = params.integer { description = "next_before of the page before." },
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    if not (config.events or {}).keep then
      return {
        status = 503, detail = "Events are not kept. Set events = { keep = true } in config.lua",
      }
    end
    local text, bound = statement(req.params)
    local rows, message = storage.sql(text, table.unpack(bound))
    if not rows then
      return { status = 503, detail = message }
    end
    return { json = shape(rows, req.params.limit) }
  end,
}
