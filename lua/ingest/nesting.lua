--- One call that several instrumentations report: an LLM span whose child is an LLM
--- span wraps it, and the innermost counts, whether both come in one export or in two
--- and whichever comes first.
local memory = require "ingest.memory"

local nesting = {}

-- Takes the record out of what the batch holds; false when it has been handed on.
local function withdraw(batch, record)
  local records = batch.records
  for i = #records, 1, -1 do
    if records[i] == record then
      table.remove(records, i)
      return true
    end
  end
  return false
end

-- The wrapper's row, stored before its first child came, becomes the row of that child, whose own
-- id, by which a gateway may know it too, is its other.
local function take_over(record, trace, parent)
  local row = memory.get("row", trace, parent)
  if row == "" then
    row = memory.get("taken", trace, record.span_id)
  elseif row then
    memory.set("", "row", trace, parent)
    memory.set(row, "taken", trace, record.span_id)
  end
  if row and row ~= record.request_id then
    record.other_id = record.other_id or record.request_id
    record.request_id = row
  end
end

-- "own": a child is a call.  "deep": one further in is, which makes a wrapper only of a
-- span whose operation nobody knows, such as a framework's run.
local function is_wrapper(record)
  local holds = memory.get("holds", record.trace_id, record.span_id)
  return holds == "own" or holds == "deep" and record.unknown_operation ~= nil
end

--- Notes of a span that is no call what it holds, for its parent.
---@param trace string?
---@param span string?
---@param parent string?
function nesting.pass(trace, span, parent)
  if trace and span and parent and memory.get("holds", trace, span) then
    memory.set(memory.get("holds", trace, parent) or "deep", "holds", trace, parent)
  end
end

--- Adds the record of an LLM span, unless it wraps one that is known already; the
--- record of its wrapper goes.
---@param batch Batch
---@param record table       with trace_id and span_id where the sender tells them
---@param parent string?     the parent's span id
---@param has_tokens boolean  a span without counts wraps none
function nesting.add(batch, record, parent, has_tokens)
  local trace, span = record.trace_id, record.span_id
  if not trace or not span then
    batch:add(record)
    return
  end
  if parent and has_tokens then
    memory.set("own", "holds", trace, parent)
  end
  if is_wrapper(record) then
    return
  end
  if #batch.records == 0 then
    batch.spans = {}
  end
  local wrapper = parent and has_tokens and batch.spans[parent]
  local is_here = wrapper and wrapper.trace_id == trace and withdraw(batch, wrapper)
  if not is_here and parent and has_tokens then
    take_over(record, trace, parent)
  end
  batch.spans[span] = record
  memory.set(record.request_id, "row", trace, span)
  batch:add(record)
end

return nesting
