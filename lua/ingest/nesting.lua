--- One call that several instrumentations report: an LLM span inside an LLM span.  The innermost
--- is the row.  A span around it is a wrapper: one that counts what its only call counts tells of
--- the same row, and what is known better stays; any other is dropped.  The spans of an export are
--- settled innermost first, whatever their order in it.  Of two beside each other that are one call
--- (twins.lua) the one that lies within the other is its innermost.
local notes = require "ingest.call_notes"
local twins = require "ingest.twins"

local nesting = {}

local qualities = { reported = 2, computed = 1 }

-- A chain of spans is followed no further: it may be a circle.
local most_spans = 100

-- The note that a call is filed under.  A try that failed is another call than the one that did
-- not.
local function sort_of(call)
  return call.has_tokens and "counted" or call.is_failed and "failed" or "ended"
end

-- How uncertain a span must be to count as the wrapper of a distant call.
local far = { near = 1, deep = 2 }

local function wraps(call, inside)
  return (far[inside] or 0) <= call.doubt
end

-- Adds to what is known of a span what it holds, and returns what was known.
local function hold(trace, id, sort, inside)
  local span = notes.recall(trace, id)
  local known = span and span[sort]
  if known and known ~= inside and not far[known] and not far[inside] then
    inside = "several"
  end
  if not known or known ~= inside and (far[known] or 0) >= (far[inside] or 0) then
    notes.put(trace, id, span, sort, inside)
  end
  return span
end

-- What a span that is no call holds when one inside of it holds this.
local function seen_through(kind, inside)
  if kind == "http" then
    return inside
  end
  return kind == "unknown" and inside ~= "deep" and "near" or "deep"
end

-- Tells the spans around what they hold, as far out as a call or what has not come: what was known
-- of that one, its id, and what it holds.
local function tell(spans, trace, sort, id, inside)
  for _ = 1, most_spans do
    if not id then
      return nil
    end
    local known, other = hold(trace, id, sort, inside), spans[id]
    local caller = not other and known and known.caller
    local kind = other and other.kind or caller and "http"
    if not kind then
      return known, id, inside
    end
    id, inside = caller or other.parent, seen_through(kind, inside)
  end
end

-- What makes it a wrapper, of what it holds.
local function held(call, noted)
  local inside = noted.counted
  if inside and wraps(call, inside) then
    return inside
  elseif call.has_tokens then
    return nil
  end
  inside = noted[sort_of(call)]
  local inner = inside and notes.recall(call.trace, inside)
  return not (inner and inner.row and inner.time > call.time) and inside or nil
end

-- By either convention the same prompt: one that leaves the cache out may not know of it.
local function is_same(a, b)
  return a.output == b.output and a.is_failed == b.is_failed
    and (a.prompt == b.prompt or a.fresh == b.prompt or a.prompt == b.fresh)
end

local function knows_better(wrapper, inner)
  if wrapper.has_tokens ~= inner.has_tokens then
    return wrapper.has_tokens
  end
  if wrapper.quality ~= inner.quality then
    return wrapper.quality > inner.quality
  end
  return wrapper.prompt - wrapper.fresh > inner.prompt - inner.fresh
end

-- A cost, and the counts that it was made of.
local cost_columns = {
  "cost_usd", "cost_source", "tokens_input", "tokens_output", "cache_read_tokens",
  "cache_write_tokens", "cache_write_1h_tokens",
}

local function take_cost(record)
  local cost = {}
  for _, name in ipairs(cost_columns) do
    cost[name], record[name] = record[name], nil
  end
  return cost
end

local function join(call, row)
  local record = call.record
  if row ~= record.request_id then
    record.other_id = record.other_id or record.request_id
    record.request_id = row
  end
  call.row = row
end

local function add_at(batch, time, row, record)
  record.timestamp, record.request_id = time, row
  batch:add(record)
end

-- Of two records that tell the same, the later one stands: a wrapper's is just before that of its
-- call.
local just_before = 1000

-- Adds the record of the one that comes now to the row that the other has.  What the wrapper tells
-- stands where its call does not tell it; its cost does where it knows that better, of the same
-- counts.
local function unite(batch, call, outer, inner, is_one)
  local record = call.record
  local is_better = is_one and knows_better(outer, inner)
  local first = math.min(outer.time, is_one and inner.time - just_before or inner.time)
  local last = math.max(outer.time, inner.time)
  join(call, (call == outer and inner or outer).row)
  local cost = (is_better or call == outer) and take_cost(record)
  if is_one and not is_better then
    outer.fresh, outer.prompt, outer.quality = inner.fresh, inner.prompt, inner.quality
  end
  if call == inner then
    add_at(batch, first, call.row, {})
    add_at(batch, last, call.row, record)
    return
  elseif is_better then
    add_at(batch, last, call.row, cost)
  end
  outer.time, record.unknown_operation = first, nil
  add_at(batch, first, call.row, record)
end

-- Whether the row of a call that was stored before is that of this one, which it holds.
local function is_left_to(call, outer, inside)
  if outer.row == "" or outer.inside ~= "" and outer.inside ~= call.span then
    return false
  elseif call.has_tokens then
    return wraps(outer, inside)
  end
  return not outer.has_tokens and outer.is_failed == call.is_failed and outer.time >= call.time
    and wraps(outer, inside)
end

-- The nearest call around that an earlier export has told of, beyond wrappers that come now.
local function told_before(spans, trace, known, id)
  while id and not (known and known.row) do
    local wrapper = spans[id]
    id = wrapper and wrapper.record and wrapper.parent
    known = id and notes.recall(trace, id)
  end
  return known
end

local function settle_wrapper(batch, call, inside)
  local inner = notes.recall(call.trace, inside)
  call.inside = inside
  if inner and inner.row and inner.row ~= "" and is_same(call, inner) then
    unite(batch, call, call, inner, true)
  end
end

local function settle_twin(batch, call, twin, is_inner)
  unite(batch, call, is_inner and call or twin, is_inner and twin or call, true)
  notes.remember(twin)
end

local function settle_innermost(batch, call, outer, inside)
  if outer and is_left_to(call, outer, inside) then
    outer.inside = call.span
    unite(batch, call, outer, call, is_same(outer, call))
    notes.remember(outer)
  else
    batch:add(call.record)
  end
end

-- Spans around two that are one call hold the one that came first.
local function told_as(call, twin)
  local around = twin and call.parent and notes.recall(call.trace, call.parent)
  return around and around[sort_of(call)] == twin.span and twin.span or call.span
end

local function settle_call(batch, call)
  local trace, span = call.trace, call.span
  local spans, before = batch.spans[trace], notes.recall(trace, span)
  local holds = before and held(call, before)
  local twin, is_inner
  if not holds then
    twin, is_inner = twins.find(call, before, is_same)
  end
  local told = told_as(call, twin)
  local known, id, inside = tell(spans, trace, sort_of(call), call.parent, told)
  call.holds = before and before.holds or ""
  if holds then
    settle_wrapper(batch, call, holds)
  elseif twin then
    settle_twin(batch, call, twin, is_inner)
  else
    call.row = call.record.request_id
    if before and before.row and before.row ~= "" then
      join(call, before.row)
      call.inside = before.inside
    end
    settle_innermost(batch, call, told_before(spans, trace, known, id), inside)
  end
  notes.remember(call)
end

-- How many of the batch's spans it is in.
local function depth(spans, call)
  local other, n = spans[call.parent], 0
  while other and n < most_spans do
    other, n = spans[other.parent], n + 1
  end
  return n
end

local function by_depth(batch)
  local levels, deepest = { [0] = {} }, 0
  for _, call in ipairs(batch.calls) do
    local spans = batch.spans[call.trace]
    local n = spans[call.parent] and depth(spans, call) or 0
    local level = levels[n]
    if not level then
      level, deepest = {}, n > deepest and n or deepest
      levels[n] = level
    end
    level[#level + 1] = call
  end
  return levels, deepest
end

-- What earlier exports have told of what it holds concerns those around it, which may have come
-- only now.
local function settle_other(batch, other)
  local spans, noted = batch.spans[other.trace], notes.recall(other.trace, other.span)
  if noted and noted.counted then
    tell(spans, other.trace, "counted", other.parent, seen_through(other.kind, noted.counted))
  end
  local caller = spans[other.parent]
  if other.kind == "http" and caller and caller.record then
    notes.put(other.trace, other.span, noted, "caller", other.parent)
  end
end

-- Twins end together; an export has them by scope.
local function sort_scopes(calls)
  for _, call in ipairs(calls) do
    if call.scope ~= calls[1].scope then
      table.sort(calls, function(a, b) return a.time < b.time end)
      return
    end
  end
end

--- Adds to the batch's records what its calls tell.
---@param batch Batch
function nesting.settle(batch)
  sort_scopes(batch.calls)
  for _, other in ipairs(batch.others) do
    settle_other(batch, other)
  end
  local levels, deepest = by_depth(batch)
  for n = deepest, 0, -1 do
    for _, call in ipairs(levels[n] or {}) do
      settle_call(batch, call)
    end
  end
  batch.calls, batch.others, batch.spans = {}, {}, {}
end

local function put(batch, span)
  local spans = batch.spans[span.trace]
  if not spans then
    spans = {}
    batch.spans[span.trace] = spans
  end
  spans[span.span] = span
end

--- Notes a span that is no call.
---@param batch Batch
---@param kind "http"|"known"|"unknown"  a request, a tool or an agent, anything else
---@param trace string?
---@param span string?
---@param parent string?
function nesting.pass(batch, kind, trace, span, parent)
  if trace and span and parent and parent ~= span then
    local other = { kind = kind, trace = trace, span = span, parent = parent }
    batch.others[#batch.others + 1] = other
    put(batch, other)
  end
end

--- Adds the record of an LLM span, or of a log that belongs to one.
---@param batch Batch
---@param record table       with trace_id and span_id where the sender tells them
---@param parent string?     the parent's span id
---@param has_tokens boolean
---@param is_guessed boolean?  nothing but its counts says that it is a call
---@param scope string?        who tells it
function nesting.add(batch, record, parent, has_tokens, is_guessed, scope)
  local trace, span, time = record.trace_id, record.span_id, record.timestamp
  if not trace or not span or math.type(time) ~= "integer" then
    batch:add(record)
    return
  end
  local fresh, ms = record.tokens_input or 0, record.duration_ms
  local call = {
    record = record, trace = trace, span = span, parent = parent ~= span and parent or nil,
    time = time, from = ms and math.tointeger(time - math.floor(ms * 1e6 + 0.5)),
    scope = scope or "", has_tokens = has_tokens, is_failed = record.status_code >= 400,
    doubt = record.unknown_operation and 2 or is_guessed and 1 or 0,
    fresh = fresh, output = record.tokens_output or 0,
    prompt = fresh + (record.cache_read_tokens or 0) + (record.cache_write_tokens or 0),
    quality = qualities[record.cost_source] or 0, inside = "", row = "", holds = "",
  }
  batch.calls[#batch.calls + 1] = call
  put(batch, call)
end

return nesting
