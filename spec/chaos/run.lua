--- Load, while things befall the server; then what it holds is compared with what was sent.
local Ledger = require "spec.chaos.ledger"
local Senders = require "spec.chaos.senders"
local disturbances = require "spec.chaos.disturbances"
local generator = require "spec.chaos.generator"
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"
local socket = require "socket"

local SENDERS = 6

-- Questions come more often than the rest; the order is fixed, so that a seed is a run.
local KINDS = {
  "killed", "stopped", "frozen", "slowed", "full", "sealed", "backed_up", "unread", "cut_off",
  "garbage", "reloaded", "watched", "asked", "asked", "asked", "asked",
}

---@class Run
---@field server Server
---@field random fun(m: integer, n?: integer): integer
---@field happened table<string, integer>  how often each disturbance came
local Run = {}
Run.__index = Run

function Run:start()
  self.senders:lose()
  self.unread = {}
  self.server = server.start {
    database = self.folder .. "/chaos.db", workers = 1 + self.random(2) % 2,
    files = { ["lua/routes/chaos.lua"] = "return { summary = 'n', handle = function() end }" },
    config = ([[
      config.features.reload_enabled = true
      table.insert(config.routes, { "GET", "/chaos", "routes.chaos" })
      config.storage.hot_days = 2
      config.storage.backup_folder = %q
      config.limits.out_bytes = 8388608]]):format(self.backups),
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

local HARMLESS = { "unread", "cut_off", "garbage", "reloaded", "watched", "asked", "backed_up" }

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
---@param folder string  for the database and backups
---@return Run  its server runs; whoever called ends it
local function run(seconds, seed, folder)
  local random = generator(seed)
  local ledger = Ledger.new("c" .. seed)
  local self = setmetatable({
    random = random, ledger = ledger, senders = Senders.new(ledger, SENDERS, random),
    happened = {}, folder = folder, backups = folder .. "/backups", unread = {},
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
