--- Endpoints for formats that come as text: JSON arrays, objects or lines.  They answer
--- as POST /logs/ingest does.
local json = require "json"
local senders = later "ingest.senders"
local storage = require "storage"
local store = require "ingest.store"

local text_http = {}

-- Lines may be none, JSON is a value.
local function is_lines(req)
  local content_type = (req.headers["content-type"] or ""):lower()
  return content_type:find("ndjson", 1, true) ~= nil or content_type:find("jsonl", 1, true) ~= nil
end

-- Lines of another kind are left alone; the sender of nothing else should hear of it.
local function complain(batch, is_empty)
  if not is_empty and batch.made == 0 and batch.rejected == 0 then
    batch:warn("there is no request in it that is known here")
  end
end

local function answer(totals, batch)
  local taken = totals.accepted + totals.merged
  local errors = json.array {}
  for i, message in ipairs(batch.errors) do
    errors[i] = { message = message }
  end
  return {
    status = taken == 0 and batch.rejected > 0 and 400 or 200,
    json = {
      accepted = totals.accepted, merged = totals.merged,
      rejected = batch.rejected, errors = errors,
      durability = totals.durability or storage.stats().durability,
    },
  }
end

-- Stores what a batch holds and adds up what became of it.
local function adder(totals)
  return function(batch)
    local stored, message = store.batch(batch)
    if stored then
      totals.accepted = totals.accepted + stored.accepted
      totals.merged = totals.merged + stored.merged
      totals.durability = stored.durability or totals.durability
    end
    return stored, message
  end
end

--- Decodes the body and stores what it holds.
---@param req Request
---@param decode fun(text: Text, hand_on: fun(batch: Batch): any?, string?): Batch
---@return Response
function text_http.take(req, decode)
  local totals, size = { accepted = 0, merged = 0 }, #req.body
  local values, any = json.values(req.body)
  local batch = decode(values, adder(totals))
  if batch.fault or not batch:flush() then
    return { status = 503, headers = { ["retry-after"] = "1" }, detail = batch.fault }
  end
  if not any and not is_lines(req) then
    batch:reject(("expected an object or an array, got the end after %d bytes"):format(size))
  end
  complain(batch, not any or size <= 2)
  if #batch.errors > 0 then
    senders.refused(batch.sender or senders.of_request(req), batch.rejected, batch.errors)
  end
  return answer(totals, batch)
end

return text_http
