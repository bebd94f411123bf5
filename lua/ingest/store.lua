--- What becomes of a decoded batch: records are stored, events counted and sent to the stream.
local batches = later "ingest.batch"
local config = require "config"
local metrics = require "metrics"
local senders = later "ingest.senders"
local sse = require "sse"
local storage = require "storage"

local store = {}

local events = metrics.counter {
  name = "moonledger_sender_events_total",
  help = "Events of senders that are no requests.",
  labels = { "sender", "event" },
}

local settings = config.events or {}

---@param event Event
local function entry_of(event)
  return {
    kind = event.name, sender = event.sender,
    time = batches.seconds(event), session = event.session,
    attributes = event.attributes,
  }
end

local function take_events(batch)
  local entries = {}
  for i, event in ipairs(batch.events) do
    entries[i] = entry_of(event)
  end
  if settings.keep and #entries > 0 then
    local kept, message = storage.append("events", entries, { keep = settings.max })
    if not kept then
      return nil, message
    end
  end
  for i, event in ipairs(batch.events) do
    events:inc(1, event.sender, event.name)
    senders.sent({ service_type = event.sender, user_agent = event.user_agent }, "events", 1)
    sse.publish("events", entries[i])
  end
  return true
end

-- One batch of the writer; a body may hold far more.
local slice = 2000

local function put(totals, batch, result)
  totals.accepted = totals.accepted + result.accepted
  totals.merged = totals.merged + result.merged
  totals.durability = result.durability
  batch.rejected = batch.rejected + result.rejected
  for _, fault in ipairs(result.errors) do
    batch:warn(fault.message)
  end
end

---@class Totals
---@field accepted integer
---@field merged integer
---@field durability string?

--- Stores a batch's records; what storage rejects is added to the batch's own
--- rejections.  When it fails midway the sender sends everything again, and what was
--- stored is merged.
---@param batch Batch
---@return Totals? totals, string? message, string? reason
function store.batch(batch)
  local totals = { accepted = 0, merged = 0 }
  local records = batch.records
  for from = 1, #records, slice do
    local part = table.move(records, from, math.min(from + slice - 1, #records), 1, {})
    local result, counts_or_why, reason = storage.insert(part, senders.columns)
    if not result then
      return nil, counts_or_why, reason
    end
    batch.sender = senders.took(counts_or_why) or batch.sender
    put(totals, batch, result)
  end
  local taken, message = take_events(batch)
  return taken and totals, message
end

return store
