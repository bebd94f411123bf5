--- One call that several instrumentations report: an LLM span inside an LLM span.  The innermost
--- is the row.  A span around it is a wrapper: one that counts what its only call counts tells of
--- the same row, and what is known better stays; any other is dropped.  The spans of an export are
--- settled innermost first, whatever their order in it.
local notes = require "ingest.call_notes"

local nesting = {}

local qualities = { reported = 2, computed = 1 }

-- A chain of spans is followed no further: it may be a circle.
local most_spans = 100

-- ---- Which calls are wrappers ----

local function held(call)
  local inside = notes.held("counted", call.trace, call.span)
  if inside and notes.wraps(call, inside) then
    return inside
  elseif call.has_tokens then
    return nil
  end
  inside = notes.held(notes.sort(call), call.trace, call.span)
  local inner = inside and notes.recall(call.trace, inside)
  return not (inner and inner.time > call.time) and inside or nil
end

-- What a span that is no call holds when one inside of it holds this.
local function seen_through(kind, inside)
  if kind == "http" then
    return inside
  end
  return kind == "unknown" and inside ~= "deep" and "near" or "deep"
end

-- The span around one that is no call, and what kind of span that one is; nil when it is a call, or
-- has not come.
local function around(batch, trace, span)
  local other = batch.spans[trace][span]
  if other then
    return other.parent, other.kind
  end
  local caller = notes.caller(trace, span)
  return caller, caller and "http"
end

-- Tells the spans around what they hold, as far out as a call or what has not come: that one, and
-- what it holds.
local function tell(batch, sort, trace, span, inside)
  for _ = 1, most_spans do
    if not span then
      return nil
    end
    notes.hold(sort, trace, span, inside)
    local parent, kind = around(batch, trace, span)
    if not kind then
      return span, inside
    end
    span, inside = parent, seen_through(kind, inside)
  end
end

-- ---- Two records of one row ----

-- By either convention the same prompt: one that leaves the cache out may not know of it.
local function is_same(a, b)
  return a.output == b.output and a.is_failed == b.is_failed
    and (a.prompt == b.prompt or a.fresh == b.prompt or a.prompt == b.fresh)
end

local function knows_better(wrapper, inner)
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

-- Of two records that tell the same, the later one stands: a wrapper's is just before that of its
-- call.
local just_before = 1000

-- The wrapper tells what its call does not, and the cost if it knows it better.
local function lend(batch, call, inner)
  local record, cost = call.record, take_cost(call.record)
  join(call, inner.row)
  if knows_better(call, inner) then
    cost.request_id, cost.timestamp = inner.row, math.max(call.time, inner.time)
    batch:add(cost)
  else
    call.fresh, call.prompt, call.quality = inner.fresh, inner.prompt, inner.quality
  end
  call.time = math.min(call.time, inner.time - just_before)
  record.timestamp, record.unknown_operation = call.time, nil
  batch:add(record)
end

-- The wrapper's row was stored before its first call came: now it is that call's, whose own id, by
-- which a gateway may know it too, is its other.
local function take_over(batch, call, outer)
  local record, is_one = call.record, is_same(outer, call)
  outer.inside = call.span
  notes.remember(outer)
  join(call, outer.row)
  if is_one and knows_better(outer, call) then
    take_cost(record)
  end
  local first = is_one and call.time - just_before or call.time
  if first < outer.time then
    batch:add { request_id = outer.row, timestamp = first }
    record.timestamp = math.max(call.time, outer.time)
  end
end

-- Whether the row of a call that was stored before is that of this one, which it holds.
local function is_left_to(call, outer, inside)
  if outer.row == "" or outer.inside ~= "" and outer.inside ~= call.span then
    return false
  elseif call.has_tokens then
    return notes.wraps(outer, inside)
  end
  return not outer.has_tokens and outer.is_failed == call.is_failed and outer.time >= call.time
    and notes.wraps(outer, inside)
end

-- The nearest call around that an earlier export has told of, beyond wrappers that come now.
local function told_before(batch, trace, span)
  local outer, wrapper = notes.recall(trace, span), batch.spans[trace][span]
  while not outer and wrapper and wrapper.record and wrapper.parent do
    outer = notes.recall(trace, wrapper.parent)
    wrapper = batch.spans[trace][wrapper.parent]
  end
  return outer
end

-- ---- The spans of an export ----

local function settle_wrapper(batch, call, inside)
  local inner = notes.recall(call.trace, inside)
  call.inside = inside
  if inner and inner.row ~= "" and is_same(call, inner) then
    lend(batch, call, inner)
  end
end

local function settle_innermost(batch, call, outer, inside)
  local known = notes.recall(call.trace, call.span)
  call.row = call.record.request_id
  if known and known.row ~= "" then
    join(call, known.row)
    call.inside = known.inside
  end
  batch:add(call.record)
  if outer and is_left_to(call, outer, inside) then
    take_over(batch, call, outer)
  end
end

local function settle_call(batch, call)
  local trace = call.trace
  local span, inside = tell(batch, notes.sort(call), trace, call.parent, call.span)
  local holds = held(call)
  if holds then
    settle_wrapper(batch, call, holds)
  else
    settle_innermost(batch, call, span and told_before(batch, trace, span), inside)
  end
  notes.remember(call)
end

-- How many of the batch's spans it is in.
local function depth(batch, call)
  local spans, n = batch.spans[call.trace], 0
  local other = spans[call.parent]
  while other and n < most_spans do
    other, n = spans[other.parent], n + 1
  end
  return n
end

local function by_depth(batch)
  local levels, deepest = {}, 0
  for _, call in ipairs(batch.calls) do
    local n = depth(batch, call)
    local level = levels[n] or {}
    levels[n], deepest = level, math.max(n, deepest)
    level[#level + 1] = call
  end
  return levels, deepest
end

local function settle_other(batch, other)
  if other.inside then
    tell(batch, "counted", other.trace, other.parent, seen_through(other.kind, other.inside))
  end
  local caller = batch.spans[other.trace][other.parent]
  if other.kind == "http" and caller and caller.record then
    notes.request(other.trace, other.span, other.parent)
  end
end

--- Adds to the batch's records what its calls tell.
---@param batch Batch
function nesting.settle(batch)
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
  if not (trace and span and parent) then
    return
  end
  local other = {
    kind = kind, trace = trace, span = span, parent = parent,
    inside = notes.held("counted", trace, span),
  }
  put(batch, other)
  if kind == "http" or other.inside then
    batch.others[#batch.others + 1] = other
  end
end

--- Adds the record of an LLM span, or of a log that belongs to one.
---@param batch Batch
---@param record table       with trace_id and span_id where the sender tells them
---@param parent string?     the parent's span id
---@param has_tokens boolean
---@param is_guessed boolean?  nothing but its counts says that it is a call
function nesting.add(batch, record, parent, has_tokens, is_guessed)
  local trace, span, time = record.trace_id, record.span_id, record.timestamp
  if not trace or not span or math.type(time) ~= "integer" then
    batch:add(record)
    return
  end
  local fresh = record.tokens_input or 0
  local call = {
    record = record, trace = trace, span = span, parent = parent ~= span and parent or nil,
    time = time, has_tokens = has_tokens, is_failed = record.status_code >= 400,
    doubt = record.unknown_operation and 2 or is_guessed and 1 or 0,
    fresh = fresh, output = record.tokens_output or 0,
    prompt = fresh + (record.cache_read_tokens or 0) + (record.cache_write_tokens or 0),
    quality = qualities[record.cost_source] or 0, inside = "", row = "",
  }
  batch.calls[#batch.calls + 1] = call
  put(batch, call)
end

return nesting
