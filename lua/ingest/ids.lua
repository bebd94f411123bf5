--- Which request a provider's id names.  The same id from two senders is one call, told by a gateway and its client;
--- but some providers give out the same ids again and again.
local memory = require "ingest.memory"

local ids = {}

-- Two tellers of one call see it end within this time of each other.
local together_s = 120

-- Ollama's "chatcmpl-373": a prefix and a few digits, of which the next day brings the same.
local function is_weak(id)
  return #id < 20 and id:find("^%a*[%-_]?%d?%d?%d?%d?%d?%d?$") ~= nil
end

--- The id of the row: the provider's, and the sender's own behind it where the provider's has been given out before.
---@param id string        the provider's
---@param own string?      what names the call in this sender's words: a call id, or trace and span
---@param seconds number?  when it ended
---@return string
function ids.row(id, own, seconds)
  if not own or own == id then
    return id
  elseif is_weak(id) then
    return id .. "/" .. own
  elseif not seconds then
    return id
  end
  local key = "ingest:id:" .. id
  local known = memory.get(key)
  if not known then
    memory.set(key, ("%.3f"):format(seconds))
    return id
  end
  return math.abs(seconds - tonumber(known)) <= together_s and id or id .. "/" .. own
end

return ids
