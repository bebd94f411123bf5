--- What was sent, and what a store must hold once all of it has been acknowledged: worked out here,
--- from nothing that the server says.
local json = require "spec.helpers.json"

local DAY = 86400
local MODELS, TEAMS = { "claude-a", "gpt-b", "gemini-c" }, { "red", "blue" }

---@class Ledger
---@field batches table[]  all that were ever made, but for those that are forgotten
---@field waiting table[]  those that nobody has acknowledged: sent again until somebody does
local Ledger = {}
Ledger.__index = Ledger

---@param prefix string  of all ids
---@return Ledger
function Ledger.new(prefix)
  return setmetatable({ prefix = prefix, batches = {}, made = 0, waiting = {}, rows = 0 }, Ledger)
end

-- Dollars and milliseconds are multiples of 1/8, so that every sum is exact.
local function record(id, random, now)
  local failed, old = random(10) == 1, random(4) == 1
  local time = old and now - random(2, 5) * DAY - random(DAY) or now - random(600)
  return {
    request_id = id, timestamp = os.date("!%Y-%m-%dT%H:%M:%SZ", time),
    model = MODELS[random(#MODELS)], team = TEAMS[random(#TEAMS)], service_type = "chaos",
    endpoint = "/v1/messages", status_code = failed and 529 or 200, duration_ms = random(800) / 8,
    cost_usd = random(80) / 8, tokens_input = random(5000), tokens_output = random(500),
  }, old
end

--- A batch of up to 40 records, one of which may stand there twice.
function Ledger:new_batch(random, now)
  self.made = self.made + 1
  local batch = { name = ("%s-%d"):format(self.prefix, self.made), records = {}, old = {} }
  for i = 1, random(40) do
    batch.records[i], batch.old[i] = record(batch.name .. "-" .. i, random, now)
  end
  local lines = { table.unpack(batch.records) }
  if random(5) == 1 then
    lines[#lines + 1] = lines[1]
  end
  batch.body = json.lines(lines)
  self.batches[#self.batches + 1] = batch
  self.rows = self.rows + #batch.records
  return batch
end

function Ledger:wait_for(batch)
  self.waiting[#self.waiting + 1] = batch
end

--- The oldest batches are not sent again, but for the newest so many.
---@param most integer
function Ledger:forget(most)
  while #self.batches > most do
    table.remove(self.batches, 1)
  end
end

--- The next batch to send: one that was sent in vain, now and then one that is known already, or a
--- new one.
function Ledger:next(random, now)
  if #self.waiting > 0 then
    return table.remove(self.waiting, 1)
  elseif #self.batches > 0 and random(8) == 1 then
    return self.batches[random(#self.batches)]
  end
  return self:new_batch(random, now)
end

local function add(figures, key, r)
  local f = figures[key] or { requests = 0, errors = 0, cost = 0, input = 0, output = 0 }
  figures[key] = f
  f.requests = f.requests + 1
  f.errors = f.errors + (r.status_code >= 400 and 1 or 0)
  f.cost = f.cost + r.cost_usd
  f.input, f.output = f.input + r.tokens_input, f.output + r.tokens_output
end

--- Figures by "model/team", and how many records were young enough to count in Prometheus.
---@return table<string, table> by_model_and_team
---@return integer young
function Ledger:figures()
  local figures, young = {}, 0
  for _, batch in ipairs(self.batches) do
    for i, r in ipairs(batch.records) do
      add(figures, r.model .. "/" .. r.team, r)
      young = young + (batch.old[i] and 0 or 1)
    end
  end
  return figures, young
end

return Ledger
