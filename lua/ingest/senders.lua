--- Who sends: when, how much, and what of it was rejected.  The figures of this run stand in kv,
--- which all loops share; those of earlier runs are what the journal had when the first was asked
--- for, and senders.keep writes their sum there.
local json = require "json"
local kv = require "kv"
local storage = require "storage"
local values = require "lib.values"

local senders = {}

--- What tells senders apart: columns of the records that they send.
senders.columns = { "service_type", "user_agent", "api_key" }

---@class Sender
---@field service_type string?
---@field user_agent string?  with its version
---@field api_key string?

local max_senders, max_reasons, max_text = 500, 10, 200

-- Whose figures those are for whom there is no place any more.
local others = "(other)"
local other = others .. "\n\n"

-- The prefix of its keys in kv, by what tells it from others: what this loop knows already.
local prefixes, nprefixes = {}, 0

local function text_of(value)
  return values.clip(value or "", max_text)
end

local all_taken = false -- which they are until the server ends

local function take_place(name)
  local taken = kv.get "senders" or 0
  all_taken = taken >= max_senders
  if all_taken then
    return nil
  end
  local place = kv.incr "senders"
  kv.set("sender:" .. name, place)
  return place
end

local function prefix_at(place, who)
  local prefix = ("senders.%d."):format(place)
  if not kv.get(prefix .. "who") then
    kv.set(prefix .. "first", os.time())
    kv.set(prefix .. "who", who)
  end
  return prefix
end

local function find_place(name)
  local place = kv.get("sender:" .. name) or not all_taken and take_place(name)
  return place and prefix_at(place, name) or prefix_at(0, other)
end

local function prefix_of(sender)
  local name = text_of(sender.service_type) .. "\n" .. text_of(sender.user_agent) .. "\n"
    .. text_of(sender.api_key)
  local prefix = prefixes[name]
  if not prefix then
    if nprefixes == max_senders then
      prefixes, nprefixes = {}, 0
    end
    prefix = find_place(name)
    prefixes[name], nprefixes = prefix, nprefixes + 1
  end
  return prefix
end

local function count_at(prefix, what, count)
  kv.incr(prefix .. what, count)
  kv.set(prefix .. "last", os.time())
end

--- Counts what a sender sent.
---@param sender Sender
---@param what "records"|"events"
---@param count integer
function senders.sent(sender, what, count)
  count_at(prefix_of(sender), what, count)
  kv.incr "senders.news"
end

--- Counts what storage has taken of a body.
---@param counts Counts[]
---@return Sender? first
function senders.took(counts)
  local sums = {} -- by place: many senders may share one
  for _, count in ipairs(counts) do
    local prefix = count.others and prefix_at(0, other) or prefix_of(count)
    sums[prefix] = (sums[prefix] or 0) + count.records
  end
  for prefix, sum in pairs(sums) do
    count_at(prefix, "records", sum)
  end
  if #counts > 0 then
    kv.incr "senders.news"
  end
  return counts[1]
end

--- Whom a body is from in which no record says so.
---@param req Request
---@return Sender
function senders.of_request(req)
  return { user_agent = req.headers["user-agent"] }
end

-- Places and values differ from record to record.
local function reason_of(message)
  message = message:gsub(", got .*$", ""):gsub("%d+", "N")
  return text_of(message)
end

local function add_reason(why, reason, count)
  for _, known in ipairs(why) do
    if known.reason == reason then
      known.count = known.count + count
      return
    end
  end
  if #why < max_reasons then
    why[#why + 1] = { reason = reason, count = count }
  end
end

-- Its place among those that a sender was told; nil where all are taken.
local function place_of_reason(prefix, reason)
  local taken = kv.get(prefix .. "reasons") or 0
  for place = 1, taken do
    if kv.get(prefix .. "reason." .. place) == reason then
      return place
    end
  end
  local place = taken < max_reasons and kv.incr(prefix .. "reasons")
  if place then
    kv.set(prefix .. "reason." .. place, reason)
  end
  return place
end

local function count_reason(prefix, reason)
  local place = place_of_reason(prefix, reason)
  if place then
    kv.incr(("%sreason.%d.count"):format(prefix, place))
  end
end

local function reasons_at(prefix)
  local why = {}
  for place = 1, kv.get(prefix .. "reasons") or 0 do
    local reason = kv.get(prefix .. "reason." .. place)
    if reason then
      add_reason(why, reason, kv.get(("%sreason.%d.count"):format(prefix, place)) or 0)
    end
  end
  return why
end

--- Counts records that were not taken, and notes why.  count may be 0: what was taken may be of no
--- use to anybody.
---@param sender Sender
---@param count integer
---@param errors (string|{message: string, field: string?})[]
function senders.refused(sender, count, errors)
  senders.sent(sender, "rejected", count)
  local prefix = prefix_of(sender)
  for _, fault in ipairs(errors) do
    local message = fault.message or fault
    message = fault.field and fault.field .. ": " .. message or message
    count_reason(prefix, reason_of(message))
    kv.set(prefix .. "newest", json.encode {
      message = values.clip(message, 1024), timestamp = os.time(),
    })
  end
end

local function told(place)
  local prefix = ("senders.%d."):format(place)
  local who = kv.get(prefix .. "who")
  if not who then
    return nil
  end
  local service_type, version, key = who:match "^([^\n]*)\n([^\n]*)\n(.*)$"
  local newest = kv.get(prefix .. "newest")
  return {
    service_type = service_type, version = version, api_key = key,
    first_seen = kv.get(prefix .. "first"),
    last_seen = kv.get(prefix .. "last") or kv.get(prefix .. "first"),
    records = kv.get(prefix .. "records") or 0, events = kv.get(prefix .. "events") or 0,
    rejected = kv.get(prefix .. "rejected") or 0,
    why = reasons_at(prefix),
    newest_error = newest and json.decode(newest) or nil,
  }
end

local function add(to, entry)
  to.first_seen = math.min(to.first_seen, entry.first_seen)
  to.last_seen = math.max(to.last_seen, entry.last_seen)
  to.records, to.events = to.records + entry.records, to.events + entry.events
  to.rejected = to.rejected + entry.rejected
  for _, known in ipairs(entry.why) do
    add_reason(to.why, known.reason, known.count)
  end
  local fault = entry.newest_error
  if fault and not (to.newest_error and to.newest_error.timestamp > fault.timestamp) then
    to.newest_error = fault
  end
end

-- Two loops may have met a sender at the same time, and it was there in earlier runs.
local function join(list)
  local known, joined = {}, {}
  for _, entry in ipairs(list) do
    local name = entry.service_type .. "\n" .. entry.version .. "\n" .. entry.api_key
    if known[name] then
      add(known[name], entry)
    else
      known[name] = entry
      joined[#joined + 1] = entry
    end
  end
  return joined
end

-- The first who reads them does so before anybody has written; the others find what it read.
-- nil when they cannot be read.
local function earlier_runs()
  local text = kv.get "senders.earlier"
  if not text then
    local rows = storage.sql("SELECT data FROM journal WHERE topic = 'senders' "
      .. "ORDER BY entry DESC LIMIT 1")
    if not rows then
      return nil
    end
    text = kv.get "senders.earlier" or rows[1] and rows[1].data or '{"senders":[]}'
    kv.set("senders.earlier", text)
  end
  return json.decode(text).senders
end

-- json.decode makes floats of all numbers, and forgets that a list is one.
local function mended(entry)
  for _, key in ipairs { "first_seen", "last_seen", "records", "events", "rejected" } do
    entry[key] = math.floor(entry[key])
  end
  for _, known in ipairs(entry.why) do
    known.count = math.floor(known.count)
  end
  entry.why = json.array(entry.why)
  local newest = entry.newest_error
  if newest then
    newest.timestamp = math.floor(newest.timestamp)
  end
  return entry
end

--- All senders, those first that were heard last; what is beyond max_senders is one more.  Yields.
---@return table[]
---@return boolean whole  with those of earlier runs
function senders.list()
  local earlier = earlier_runs()
  local list = earlier or {}
  for place = 0, kv.get "senders" or 0 do
    list[#list + 1] = told(place)
  end
  list = join(list)
  table.sort(list, function(a, b)
    return a.last_seen > b.last_seen
  end)
  local room = max_senders
  for _, entry in ipairs(list) do
    room = room - (entry.service_type == others and 0 or 1)
    if room < 0 then
      entry.service_type, entry.version, entry.api_key = others, "", ""
    end
  end
  local shown = json.array {}
  for i, entry in ipairs(join(list)) do
    shown[i] = mended(entry)
  end
  return shown, earlier ~= nil
end

local kept

--- Writes them to the journal, if there is news.  Yields.
function senders.keep()
  local news = kv.get "senders.news"
  if news == kept then
    return
  end
  local list, whole = senders.list()
  if whole and storage.append("senders", { { senders = list } }, { keep = 1 }) then
    kept = news
  end
end

return senders
