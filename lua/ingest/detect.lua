--- Which format a file has, by its first JSON value.
local schema = require "schema"
local values = require "lib.values"

local detect = {}

local object, text = values.object, values.text

local function is_rollout(o)
  return text(o.type) and text(o.timestamp) and type(o.payload) == "table"
end

local function is_chat(o)
  return text(o.sessionId) and text(o.projectHash)
end

-- As Claude Code's, but for what the lines have in them.
local function is_qwen_chat(o)
  return text(o.sessionId) and (type(object(o.message).parts) == "table"
    or type(o.systemPayload) == "table")
end

local function is_transcript(o)
  return text(o.sessionId) and text(o.type) or text(o.leafUuid)
    or type(object(o.message).usage) == "table"
end

local function is_litellm(o)
  return text(o.call_type) or o.startTime ~= nil and (text(o.model) or o.spend ~= nil)
end

local function is_ccproxy(o)
  return text(o.event) and text(o.level) or text(o.provider) and text(o.url) and text(o.request_id)
end

local function is_access_log(o)
  return text(o.request_uri) or type(o.logger) == "string" and type(o.level) == "string"
end

-- Columns by all of their names.
local columns = {}
for _, column in ipairs(schema.columns) do
  columns[column[1]] = column
  for key, alias in pairs(column.aliases or {}) do
    columns[type(key) == "string" and key or alias] = column
  end
end

local asked = values.set("model", "endpoint", "path")

-- What a record of our own has and settings, credentials and notes have not: an id, a figure, or a
-- time and what was asked.
local function is_record(o)
  local has_time, has_asked = false, false
  for name, value in pairs(o) do
    local column = columns[name] or {}
    local kind = column[2]
    if column.role == "id" and text(value)
        or (kind == "integer" or kind == "float") and tonumber(value) then
      return true
    end
    has_time = has_time or kind == "time"
    has_asked = has_asked or asked[column[1]] and text(value) ~= nil
  end
  return has_time and has_asked
end

-- Of a list, or of a page: records of our own, rows of LiteLLM's /spend/logs/ui.
local function first_of(value)
  for _, list in ipairs { object(value.records), object(value.data), value } do
    if type(list[1]) == "table" then
      return list[1]
    end
  end
  return value
end

--- The format's name; "ndjson" is the server's own.  nil: it tells of no request.
---@param value table
---@return string?
function detect.format(value)
  local first = first_of(value)
  if is_chat(first) then
    return "gemini"
  elseif is_rollout(first) then
    return "codex"
  elseif is_qwen_chat(first) then
    return "qwen"
  elseif is_transcript(first) then
    return "claude"
  elseif is_litellm(first) then
    return "litellm"
  elseif is_ccproxy(first) then
    return "ccproxy"
  elseif is_access_log(first) then
    return "access_log"
  end
  return is_record(first) and "ndjson" or nil
end

return detect
