--- Load, while things befall the server; then what it holds is compared with what was sent.
local Ledger = require "spec.chaos.ledger"
local Senders = require "spec.chaos.senders"
local disturbances = require "spec.chaos.disturbances"
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"
local socket = require "socket"

local SENDERS = 6

-- Questions come more often than the rest; the order is fixed, so that a seed is a run.
local KINDS = {
  "killed", "stopped", "frozen", "full", "unread", "cut_off", "garbage", "reloaded", "watched",
  "asked", "asked", "asked", "asked",
}

---@class Run
---@field server Server
---@field random fun(m: integer, n?: integer): integer
---@field happened table<string, integer>  how often each disturbance came
local Run = {}
Run.__index = Run

--- A number generator of its own: math.random is everybody's. Numbers are Lehmer's, "minimal
--- standard" (Park and Miller, 1988).
local function generator(seed)
  local state = seed % 2147483646 + 1
  return function(m, n)
    state = state * 48271 % 2147483647
    local low, high = n and m or 1, n or m
    return low + state % (high - low + 1)
  end
end

function Run:start()
  self.senders:lose()
  self.unread = {}
  self.server = server.start {
    database = self.database, workers = 1 + self.random(2) % 2,
    files = { ["lua/routes/chaos.lua"] = "return { summary = 'n', handle = function() end }" },
    config = [[
      config.features.reload_enabled = true
      table.insert(config.routes, { "GET", "/chaos", "routes.chaos" })
      config.limits.out_bytes = 8388608]],
  }
end

--- Load for so many seconds, and at least one turn.
function Run:go_on(seconds)
  local deadline = socket.gettime() + seconds
  repeat
    self.senders:turn(self.server, math.max(0, deadline - socket.gettime()))
  until socket.gettime() >= deadline
end

local function descriptors(s)
  return #helpers.lines_of(("ls /proc/%d/fd"):format(s.pid))
end

local function disturb(self)
  local kind = KINDS[self.random(#KINDS)]
  self.happened[kind] = (self.happened[kind] or 0) + 1
  disturbances[kind](self)
end

-- Readers of the store open their files when they are first needed, and malloc keeps some blocks.
local SOME_DESCRIPTORS, SOME_KIB = 16, 65536

local HARMLESS = { "unread", "cut_off", "garbage", "reloaded", "watched", "asked" }

local function all_harmless(self)
  for _ = 1, 10 do
    for _, kind in ipairs(HARMLESS) do
      disturbances[kind](self)
    end
  end
end

--- A last life of the server without harm: what it has of descriptors and memory after the load is
--- about what it had before. Then every batch is acknowledged.
local function end_calmly(self)
  self.server:stop()
  self:start()
  local s = self.server
  all_harmless(self)
  local descriptors_before, kib_before = descriptors(s), s:resident_kib()
  all_harmless(self)
  disturbances.unread(self, 0)
  self.senders:finish(s)
  helpers.eventually(function()
    return descriptors(s) <= descriptors_before + SOME_DESCRIPTORS
  end)
  local kib = s:resident_kib()
  assert(os.getenv "SANITIZE" or kib <= kib_before + SOME_KIB,
    ("%d KiB resident, %d before"):format(kib, kib_before))
end

---@param seconds number
---@param seed integer
---@return Run  its server runs; whoever called ends it
local function run(seconds, seed, database)
  local random = generator(seed)
  local ledger = Ledger.new("c" .. seed)
  local self = setmetatable({
    random = random, ledger = ledger, senders = Senders.new(ledger, SENDERS, random),
    happened = {}, database = database, unread = {},
  }, Run)
  self:start()
  local deadline = socket.gettime() + seconds
  while socket.gettime() < deadline do
    self:go_on(random(200) / 1000)
    disturb(self)
  end
  end_calmly(self)
  return self
end

return run
