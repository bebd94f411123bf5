--- Load of all kinds on a server whose days pass fast, at a steady rate, one thing after the other.
--- It is a run as spec/chaos/disturbances.lua wants it.
local Ledger = require "spec.chaos.ledger"
local disturbances = require "spec.chaos.disturbances"
local generator = require "spec.chaos.generator"
local helpers = require "spec.helpers"
local socket = require "socket"

local DAY, TURN_SECONDS, KNOWN_BATCHES = 86400, 0.1, 200

-- What befalls it, and every how many turns.
local EVERY = {
  { 3, "asked" }, { 5, "told_otherwise" }, { 10, "watched" }, { 50, "unread" }, { 50, "cut_off" },
  { 50, "garbage" }, { 100, "reloaded" }, { 300, "backed_up" }, { 700, "verified" },
  { 299, "upkeep" },
}

---@class Load
---@field server Server
---@field now fun(): number  the server's clock
local Load = {}
Load.__index = Load

---@param s Server
---@param folder string  with the backups
---@param now fun(): number
---@return Load
function Load.new(s, folder, now)
  return setmetatable({
    server = s, backups = folder .. "/backups", now = now, random = generator(1),
    ledger = Ledger.new "soak", unread = {}, sent = {}, turns = 0, refused = 0, works = {},
    began = socket.gettime(),
  }, Load)
end

--- Since it began, of a clock on the wall.
function Load:seconds()
  return socket.gettime() - self.began
end

local function count_days(self, batch)
  for _, record in ipairs(batch.records) do
    local day = record.timestamp:sub(1, 10)
    self.sent[day] = (self.sent[day] or 0) + 1
  end
  batch.counted = true
end

local function post_batch(self)
  local batch = self.ledger:next(self.random, math.floor(self.now()))
  local body, headers = batch.body, { ["content-type"] = "application/x-ndjson" }
  if self.random(4) == 1 then
    body, headers["content-encoding"] = helpers.gzip(body), "gzip"
  end
  local status = self.server:post("/logs/ingest", body, headers).status
  if status == 200 and not batch.counted then
    count_days(self, batch)
  elseif status ~= 200 then
    assert(status == 503, status)
    self.refused = self.refused + 1
    self.ledger:wait_for(batch)
  end
  self.ledger:forget(KNOWN_BATCHES)
end

local function wire(name)
  return assert(helpers.read_file("spec/wire/" .. name))
end

local OTHERS = {
  { "/v1/logs", wire "claude-code-2.1.202-logs.json", "req_011CabcDEF" },
  { "/v1/metrics", wire "claude-code-2.1.202-metrics.json" },
  { "/v1/traces", wire "claude-code-2.1.202-traces.json", "req_011CabcDEF" },
  { "/ingest/litellm", wire "litellm-1.77-single.json", "chatcmpl%-9f1" },
  { "/ingest/access_log", wire "nginx-1.26.ndjson", "7b1f09" },
}

--- The same requests as other senders tell them, of now and with ids of their own.
function Load:told_otherwise()
  local path, body, id = table.unpack(OTHERS[self.random(#OTHERS)])
  body = body:gsub("17954260%d%d", ("%d"):format(self.now() // 1))
  if id then
    body = body:gsub(id, ("%%0%06d"):format(self.turns))
  end
  local status = self.server:post(path, body, { ["content-type"] = "application/json" }).status
  assert(status == 200 or status == 503, path .. ": " .. status)
end

--- What was done last has to have been right.
function Load:upkeep()
  local last = self.server:get("/-/upkeep").json()
  assert(last.state ~= "failed", last.error)
  self.works[last.what or "none"] = (self.works[last.what or "none"] or 0) + 1
end

function Load:verified()
  local status = self.server:post("/-/verify").status
  assert(status == 202 or status == 409, status)
end

--- Everything that is due, and then a pause.
function Load:turn()
  self.turns = self.turns + 1
  post_batch(self)
  for _, due in ipairs(EVERY) do
    if self.turns % due[1] == 0 then
      (disturbances[due[2]] or self[due[2]])(self)
    end
  end
  socket.sleep(math.max(0, self.began + self.turns * TURN_SECONDS - socket.gettime()))
end

--- What disturbances do while they wait.
function Load.go_on(_, seconds)
  socket.sleep(seconds)
end

--- How many descriptors of each kind there are; but not those of parts, of which there are more on
--- some days.
local function descriptors(pid)
  local counts, words = {}, {}
  for _, target in ipairs(helpers.lines_of(
      ("find /proc/%d/fd -type l -printf '%%l\\n'"):format(pid))) do
    local kind = target:match "^(%a+_?%a*):" or target:match "[^/]*$"
    counts[kind] = (counts[kind] or 0) + 1
  end
  for kind, count in pairs(counts) do
    if not kind:find "%.parquet" then
      words[#words + 1] = kind .. " " .. count
    end
  end
  table.sort(words)
  return table.concat(words, ", ")
end

--- Those that are open once nobody asks for anything any more.
---@return string
function Load:descriptors_at_rest()
  disturbances.unread(self, 0)
  helpers.eventually(function()
    return self.server:get("/-/upkeep").json().state ~= "running"
  end)
  local last
  helpers.eventually(function()
    local before = last
    last = descriptors(self.server.pid)
    socket.sleep(1)
    return before == last
  end)
  return last
end

local function day_of(time)
  return os.date("!%Y-%m-%d", time)
end

--- Requests of the days of the last week that are over, as they were sent and as the server has
--- them.
---@return integer[] sent, integer[] told
function Load:days()
  local today, sent, told = self.now() // DAY * DAY, {}, {}
  for time = today - 8 * DAY, today - 2 * DAY, DAY do
    local answer = self.server:get(
      ("/logs/breakdown?by=service_type&start_time=%d&end_time=%d"):format(time, time + DAY - 1)
    ).json() -- records have whole seconds, and one of the last counts
    for _, group in ipairs(answer.groups) do
      if group.service_type == "chaos" then
        told[#told + 1] = group.request_count
      end
    end
    sent[#sent + 1] = self.sent[day_of(time)]
  end
  return sent, told
end

---@param text string
function Load:count(text)
  return select(2, self.server:log():gsub(text, ""))
end

-- A script is broken now and then on purpose.
local EXPECTED = { ["reload failed"] = true }

--- What the server logged as an error that nothing here should bring.
---@return table<string, integer>
function Load:complaints()
  local found = {}
  for message in self.server:log():gmatch 'level=error msg=("?[^\n]*)' do
    message = message:match '^"([^"]*)"' or message:match "^%S+"
    if not EXPECTED[message] then
      found[message] = (found[message] or 0) + 1
    end
  end
  return found
end

function Load:summary()
  local words = {
    ("soak: %.0f s, to %s"):format(self:seconds(), day_of(self.now() // 1)),
    self.turns .. " turns", self.refused .. " batches refused",
    self:count "a day is sealed" .. " days sealed",
    self:count "parts of a day are joined" .. " parts joined",
    self:count "msg=retention" .. " passes of retention",
    (self.works.backup or 0) .. " backups", (self.works.verify or 0) .. " verifications",
  }
  return table.concat(words, ", ")
end

return Load
