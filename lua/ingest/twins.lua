--- One call that two instrumentations report beside each other, where neither makes its span the
--- current one: LangChain's and OpenAI's in JavaScript.  The spans have the same parent, one lies
--- within the other, and nothing that both tell is different.  A wrong guess loses a call: of what
--- is uncertain both stay.
local memory = require "ingest.memory"
local model_names = require "lib.model_names"
local notes = require "ingest.call_notes"

local twins = {}

-- A span whose beginning is told in whole milliseconds ends up to one too early, too.
local clock = 1000000

-- The calls of a parent that have none yet, as many as fit into a note: from when to when, bytes of
-- the rest; span, scope, model.
local head, tail = "<jjB", "<s1s1s1"
local room = 800

local function entry_of(call)
  local rest = tail:pack(call.span, call.scope:sub(-30), (call.record.model or ""):sub(-60))
  return head:pack(call.from, call.time, #rest) .. rest
end

-- By service: the scope that tells of its calls, and of how many; or that there are several.  One
-- that has told of so many alone is not waited for, until another comes.
local tellers, nservices = {}, 0
local trial, most_services = 100, 1000

local function may_have_twin(call)
  local service = call.record.service_type
  local known = tellers[service]
  if not known then
    if nservices == most_services then
      tellers, nservices = {}, 0
    end
    known, nservices = { scope = call.scope, calls = 0 }, nservices + 1
    tellers[service] = known
  end
  known.calls = known.calls + 1
  known.has_others = known.has_others or known.scope ~= call.scope
  return known.has_others or known.calls <= trial
end

-- Twins are exported within so many nanoseconds of each other.
local patience = 60e9

-- Where there is no room, in place of those that have waited for long; else not at all, so that of
-- many at once the first find their twins.
local function remember(call, open, entry)
  while #open + #entry > room do
    local _, to, bytes, rest = head:unpack(open)
    if call.time - to < patience then
      return
    end
    open = open:sub(rest + bytes)
  end
  memory.set(open .. entry, "beside", call.trace, call.parent)
end

local function plain(model)
  local names = model_names.candidates(model)
  return names[#names].name
end

local function is_one_model(a, b)
  return a == b or a == "" or b == "" or plain(a) == plain(b)
end

local function has_counts(call)
  return call.prompt + call.output > 0
end

-- What the provider or a gateway calls it; without that a row has the span's name.
local function has_id(call, row)
  return row ~= call.trace .. ":" .. call.span
end

-- Whether one that took from .. to lies within the other.
local function is_within(from, to, outer_from, outer_to)
  return from >= outer_from and to <= outer_to + clock
end

-- The call of an open span, if they may be one, and whether both have counts.  Without counts both
-- must tell the model, and one must take most of the other's time: of two after each other only one
-- does.
local function match(call, span, model, share, is_same)
  local other = notes.recall(call.trace, span)
  if not other or other.inside ~= "" or other.holds ~= "" or (other.row or "") == ""
      or other.is_failed ~= call.is_failed or not is_one_model(call.record.model or "", model)
      or has_id(call, call.record.request_id) and has_id(other, other.row)
        and call.record.request_id ~= other.row then
    return nil
  elseif has_counts(call) and has_counts(other) then
    return is_same(call, other) and other or nil, true
  end
  return share > 0.5 and model ~= "" and call.record.model and other or nil, false
end

-- They begin together: what an instrumentation does before the call takes no longer.
local function begin_together(from, to, began, ended)
  return math.abs(from - began) <= math.max(to - from, ended - began) / 10 + 100e6
end

-- Of those with the same counts the one that began nearest; else the only one.  Where it stands in
-- the list and where the next, and whether it lies within.
local function choose(call, open, is_same)
  local found, start, stop, is_inner, nearest
  local at, began, ended, scope_end = 1, call.from, call.time, call.scope:sub(-30)
  while at <= #open do
    local from, to, bytes, rest = head:unpack(open, at)
    local after = rest + bytes
    local overlaps = to > began and from < ended and begin_together(from, to, began, ended)
    local inner = overlaps and is_within(from, to, began, ended)
    if inner or overlaps and is_within(began, ended, from, to) then
      local span, scope, model = tail:unpack(open, rest)
      local ratio = (to - from) / (ended - began)
      local other, is_counted
      if scope ~= scope_end then
        other, is_counted = match(call, span, model, inner and ratio or 1 / ratio, is_same)
      end
      local distance = is_counted and math.abs(from - began) or math.maxinteger
      if other and (not nearest or distance < nearest) then
        found, start, stop, is_inner, nearest = other, at, after, inner, distance
      elseif other and not is_counted and distance == nearest then
        found = nil
      end
    end
    at = after
  end
  return found, start, stop, is_inner
end

-- The one that lies within notes it so.
local within = "in "

local function known_twin(call, inside)
  local outer = inside:match("^" .. within .. "(.+)")
  local other = inside ~= "" and notes.recall(call.trace, outer or inside)
  if other and other.inside == (outer and call.span or within .. call.span) then
    call.inside = inside
    return other, not outer
  end
end

--- The other span of the call, which has come before, and whether it lies within this one.  Notes
--- who they are in both, or else that this one has none yet.
---@param call Call  an innermost one, with its record, where it began and its scope
---@param before Noted?  what is known of it
---@param is_same fun(a: Call, b: Call): boolean  by their counts
---@return Call?
---@return boolean?
function twins.find(call, before, is_same)
  if before and before.row then
    return known_twin(call, before.inside)
  elseif not call.parent or not call.from or call.scope == "" or call.doubt > 0
      or before and before.holds ~= "" or not may_have_twin(call) then
    return nil
  end
  local open = memory.get("beside", call.trace, call.parent) or ""
  local other, start, stop, is_inner = choose(call, open, is_same)
  if not other then
    remember(call, open, entry_of(call))
    return nil
  end
  remember(call, open:sub(1, start - 1) .. open:sub(stop), "")
  call.inside = is_inner and other.span or within .. other.span
  other.inside = is_inner and within .. call.span or call.span
  return other, is_inner
end

return twins
