--- Which request a provider's id names.  The same id from two senders is one call, told
--- by a gateway and its client; but some providers give out the same ids again and
--- again.
local memory = require "ingest.memory"

local ids = {}

-- Two tellers of one call see it end within this time of each other.
local together_s = 120

-- Ollama's "chatcmpl-373": a prefix and a few digits, of which the next day brings the same.
local function is_weak(id)
  return #id < 20 and id:find("^%a*[%-_]?%d?%d?%d?%d?%d?%d?%d?$") ~= nil
end

-- The whole prompt, whatever part of it a teller knows to come from a cache, and the output.
local function counts_of(record)
  local prompt = (record.tokens_input or 0) + (record.cache_read_tokens or 0)
    + (record.cache_write_tokens or 0)
  return prompt, record.tokens_output or 0
end

-- Whether the record is of the call that was remembered under its id: the same own id,
-- or the same time; where ids are few, the same counts too; and never another call id
-- of the same gateway.
local function is_same(known, weak, own, is_call_id, seconds, prompt, output)
  if known.own == own then
    return true
  elseif is_call_id and known.is_call_id then
    return false
  end
  return math.abs(seconds - known.seconds) <= together_s
    and (not weak or prompt == known.prompt and output == known.output)
end

local format = "<djjBs2"

local function recall(id)
  local text = memory.get("id", id)
  if not text then
    return nil
  end
  local seconds, prompt, output, is_call_id, own = format:unpack(text)
  return {
    seconds = seconds, prompt = prompt, output = output, is_call_id = is_call_id == 1, own = own,
  }
end

--- The id of the row: the provider's, and the sender's own behind it where the
--- provider's has been or will be given out to others.
---@param id string        the provider's
---@param own string?      what names the call in this sender's words: a call id, or trace and span
---@param is_call_id boolean  two of them are two calls; of spans a call may have several
---@param record table     with its counts
---@param seconds number?  when it ended
---@return string
function ids.row(id, own, is_call_id, record, seconds)
  if not own or own == id or not seconds then
    return id
  end
  local key, weak = #id > 200 and id:sub(-200) or id, is_weak(id)
  local prompt, output = counts_of(record)
  local known = recall(key)
  if known then
    local first = is_same(known, weak, own, is_call_id, seconds, prompt, output)
    return first and not weak and id or id .. "/" .. (first and known.own or own)
  end
  memory.set(format:pack(seconds, prompt, output, is_call_id and 1 or 0, own), "id", key)
  return weak and id .. "/" .. own or id
end

return ids
