--- Which request a provider's id names.  The same id from two senders is one call, told
--- by a gateway and its client; but some providers give out the same ids again and
--- again.
local memory = require "ingest.memory"

-- Who tells.  A call may have several spans; two of a gateway's call ids are two calls, and so are
-- two calls that a capture has seen.
local ids = { SPAN = 0, CALL = 1, CAPTURE = 2 }

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
-- or the same time; where ids are few, the same counts too; and never another call of
-- the same teller.
local function is_same(known, weak, own, teller, seconds, prompt, output)
  if known.own == own then
    return true
  elseif teller ~= ids.SPAN and teller == known.teller then
    return false
  end
  return math.abs(seconds - known.seconds) <= together_s
    and (not weak or prompt == known.prompt and output == known.output)
end

-- What is remembered is short; the ends of long ids tell them apart.
local function clip(id)
  return #id > 200 and id:sub(-200):gsub("^[\x80-\xBF]+", "") or id
end

local format = "<djjBs2"

local function recall(id)
  local text = memory.get("id", id)
  if not text then
    return nil
  end
  local seconds, prompt, output, teller, own = format:unpack(text)
  return { seconds = seconds, prompt = prompt, output = output, teller = teller, own = own }
end

--- The id of the row: the provider's, and the sender's own behind it where the
--- provider's has been or will be given out to others.
---@param id string        the provider's
---@param own string?      what names the call in this sender's words: a call id, or trace and span
---@param teller integer   SPAN, CALL or CAPTURE
---@param record table     with its counts
---@param seconds number?  when it ended
---@return string
function ids.row(id, own, teller, record, seconds)
  if not own or own == id or not seconds then
    return id
  end
  local key, weak = clip(id), is_weak(id)
  own = clip(own)
  local prompt, output = counts_of(record)
  local known = recall(key)
  if known then
    local first = is_same(known, weak, own, teller, seconds, prompt, output)
    return first and not weak and id or id .. "/" .. (first and known.own or own)
  end
  memory.set(format:pack(seconds, prompt, output, teller, own), "id", key)
  return weak and id .. "/" .. own or id
end

return ids
