--- What one export has to know of the spans in another: a note for each of them.
local memory = require "ingest.memory"

local call_notes = {}

---@class Noted            what is known of a span
---@field trace string
---@field span string      its id
---@field holds string     the next four, packed
---@field counted Inside?  the calls with counts that it holds
---@field failed Inside?   .. those without that failed
---@field ended Inside?    .. those without that did not
---@field caller string?   whose request over HTTP it is
---@field row string?      where it went, when it is a call, and told before; "" nowhere

---@class Call: Noted      an LLM span; all fields are stored but the first four
---@field record table?
---@field parent string?
---@field from integer?    when it began
---@field scope string     "" where it is not told
---@field has_tokens boolean
---@field is_failed boolean
---@field doubt integer    0: it says that it is a call; 1: its counts do; 2: they do, and it calls
---                        itself something that nobody knows
---@field time integer     unix nanoseconds
---@field fresh integer    of the prompt what is not of the cache
---@field prompt integer
---@field output integer
---@field quality integer  of its cost
---@field inside Inside    that has its row, or is why it has none; "" nothing; "in ", with a span's
---                        id, within which it lies as its twin

--- What a span holds: the span of its only call, "several", "near": one behind spans that nobody
--- knows, such as an agent's cycle, or "deep": one behind an agent or a tool.
---@alias Inside string

local format = "<jjjjBBBBs2s2"
local entry = "<Bs2" -- of holds
local sorts = { "counted", "failed", "ended", "caller" }

local function read_call(noted, text, at)
  local has_tokens, is_failed
  noted.time, noted.fresh, noted.prompt, noted.output, noted.quality, noted.doubt, has_tokens,
    is_failed, noted.inside, noted.row = format:unpack(text, at)
  noted.has_tokens, noted.is_failed = has_tokens == 1, is_failed == 1
end

---@param trace string
---@param span string
---@return Noted?
function call_notes.recall(trace, span)
  local text = memory.get("span", trace, span)
  if not text then
    return nil
  end
  local holds, behind = ("<s2"):unpack(text)
  local noted, at = { trace = trace, span = span, holds = holds }, 1
  while at <= #holds do
    local sort, inside
    sort, inside, at = entry:unpack(holds, at)
    noted[sorts[sort]] = inside
  end
  if behind <= #text then
    read_call(noted, text, behind)
  end
  return noted
end

-- Anew each time, so that it does not grow where an export comes again and again.
local function holds_of(noted)
  local holds = ""
  for number, sort in ipairs(sorts) do
    if noted[sort] then
      holds = holds .. entry:pack(number, noted[sort])
    end
  end
  return holds
end

---@param noted Noted
function call_notes.remember(noted)
  local text = ("<s2"):pack(noted.holds)
  if noted.row then
    text = text .. format:pack(noted.time, noted.fresh, noted.prompt, noted.output,
      noted.quality, noted.doubt, noted.has_tokens and 1 or 0, noted.is_failed and 1 or 0,
      noted.inside, noted.row)
  end
  memory.set(text, "span", noted.trace, noted.span)
end

--- Notes what a span holds, or whose request it is.
---@param trace string
---@param span string
---@param noted Noted?  what is known of it
---@param what "counted"|"failed"|"ended"|"caller"
---@param inside Inside
function call_notes.put(trace, span, noted, what, inside)
  noted = noted or { trace = trace, span = span }
  noted[what] = inside
  noted.holds = holds_of(noted)
  call_notes.remember(noted)
end

return call_notes
