--- What one export has to know of the calls in another, by trace and span:
---   call     what it told, and the row it went to
---   counted, failed, ended  what a span holds: calls with counts; calls without, by how they ended
---   caller   whose request over HTTP a span is
local memory = require "ingest.memory"

local call_notes = {}

---@class Call            a record of an LLM span
---@field record table?   not remembered
---@field trace string
---@field span string
---@field parent string?   not remembered
---@field has_tokens boolean
---@field is_failed boolean
---@field doubt integer    0: it says that it is a call; 1: its counts do; 2: they do, and it calls
---                        itself something that nobody knows
---@field time integer     unix nanoseconds
---@field fresh integer    of the prompt what is not of the cache
---@field prompt integer
---@field output integer
---@field quality integer  of its cost
---@field inside Inside    that has its row, or is why it has none; "" nothing
---@field row string       "" none

--- What a span holds: the span of its only call, "several", "near": one behind spans that nobody
--- knows, such as an agent's cycle, or "deep": one behind an agent or a tool.
---@alias Inside string

local format = "<jjjjBBBBs2s2"

---@param call Call
function call_notes.remember(call)
  memory.set(format:pack(call.time, call.fresh, call.prompt, call.output, call.quality, call.doubt,
    call.has_tokens and 1 or 0, call.is_failed and 1 or 0, call.inside, call.row),
    "call", call.trace, call.span)
end

---@param trace string
---@param span string
---@return Call?
function call_notes.recall(trace, span)
  local text = memory.get("call", trace, span)
  if not text then
    return nil
  end
  local time, fresh, prompt, output, quality, doubt, has_tokens, is_failed, inside, row =
    format:unpack(text)
  return {
    trace = trace, span = span, time = time, fresh = fresh, prompt = prompt, output = output,
    quality = quality, doubt = doubt, has_tokens = has_tokens == 1, is_failed = is_failed == 1,
    inside = inside, row = row,
  }
end

--- What a span holds when it holds this.  A try that failed is another call than the one that did
--- not.
---@param call Call
---@return "counted"|"failed"|"ended"
function call_notes.sort(call)
  return call.has_tokens and "counted" or call.is_failed and "failed" or "ended"
end

-- Who must be doubted to be a wrapper of what is far in.
local far = { near = 1, deep = 2 }

--- Whether it is a wrapper when it holds this.
---@param call Call
---@param inside Inside
---@return boolean
function call_notes.wraps(call, inside)
  return (far[inside] or 0) <= call.doubt
end

--- Adds to what is known of the span what it holds.
---@param sort "counted"|"failed"|"ended"
---@param trace string
---@param span string
---@param inside Inside
function call_notes.hold(sort, trace, span, inside)
  local known = memory.get(sort, trace, span)
  if known and known ~= inside and not far[known] and not far[inside] then
    inside = "several"
  end
  if not known or known ~= inside and (far[known] or 0) >= (far[inside] or 0) then
    memory.set(inside, sort, trace, span)
  end
end

---@param sort "counted"|"failed"|"ended"
---@param trace string
---@param span string
---@return Inside?
function call_notes.held(sort, trace, span)
  return memory.get(sort, trace, span)
end

--- Notes whose request over HTTP a span is.
---@param trace string
---@param span string
---@param caller string  its span
function call_notes.request(trace, span, caller)
  memory.set(caller, "caller", trace, span)
end

---@param trace string
---@param span string
---@return string? span
function call_notes.caller(trace, span)
  return memory.get("caller", trace, span)
end

return call_notes
