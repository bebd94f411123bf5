--- The stream: its topic, and the texts of events that no record is behind.
local members = require "lib.schema_check.members"

local fail, refuse_unknown, keys = members.fail, members.refuse_unknown, members.keys
local member, item = members.member, members.item
local checked = members.checked

local stream_keys = keys("topic", "overflow", "disconnect")

--- What stands in an event's JSON for a value that is known only then; record/schema.h knows them.
local marks = { dropped = "\1", connection_id = "\2", timestamp = "\3" }
local max_topic = 64

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    return ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function member_text(where, entry)
  if marks[entry] then
    return quote(entry) .. ":" .. marks[entry]
  elseif type(entry) ~= "table" then
    fail(where, "expected { name, text }, dropped, connection_id or timestamp")
  end
  return quote(item(where, entry, 1, "a name")) .. ":" .. quote(item(where, entry, 2, "a text"))
end

local function read_event_text(stream, name)
  local parts = {}
  for i, entry in ipairs(member("stream", stream, name, "table", "a list") or {}) do
    parts[i] = member_text(("stream.%s[%d]"):format(name, i), entry)
  end
  if #parts == 0 then
    fail("stream." .. name, 'expected a list of members, such as { { "type", "%s" } }', name)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

return function(schema)
  local stream = member("it", schema, "stream", "table")
    or fail("stream", "expected { topic, overflow, disconnect }")
  refuse_unknown("stream", stream, stream_keys)
  local topic = member("stream", stream, "topic", "string")
  if not topic or topic == "" or #topic > max_topic then
    fail("stream", "topic: expected a text of 1 to %d bytes", max_topic)
  end
  checked.topic = topic
  checked.overflow = read_event_text(stream, "overflow")
  checked.disconnect = read_event_text(stream, "disconnect")
end
