--- What is remembered of rules and budgets between looks, and what a look tells: one turn's changes
--- are kept in one commit, the notifications that follow from them too.  What could not be kept has
--- not happened: the next turn begins with what the database says, and finds it again.
---
--- Loop 0 alone runs turns, one at a time (run.lua).
local config = require "config"
local faults = require "lib.faults"
local json = require "json"
local log = require "log"
local notices = require "alerting.notices"
local outbox = require "alerting.outbox"
local sse = require "sse"
local states = require "alerting.states"
local storage = require "storage"

local episodes = {}

local TOPIC = outbox.TOPIC

---@class Episode
---@field kind "alert"|"failure"|"budget"
---@field name string              of the rule or the budget
---@field group table<string, string>
---@field state AlertState
---@field notify string[]          who was told
---@field severity string?         as what it was told last
---@field period number?           of a budget: when it began
---@field last Notice?             what was told last

---@class Turn
---@field now number
---@field looked table<string, boolean>  keys of the episodes that this turn has looked at
---@field private values table<string, table|false>
---@field private events table[]
---@field private sent string[]          names of notifiers
---@field private kept fun()[]
local Turn = {}
Turn.__index = Turn

local known, saved  -- episodes by key, and how they stand in the database; nil: to be read
local reminded = {} -- when notifiers that want it were told last, by episode and name

---@param kind string
---@param name string
---@param group table<string, string>
---@return string
local function key_of(kind, name, group)
  return ("%s/%s/%s"):format(kind, name, json.encode(group))
end

-- json.decode makes floats of all numbers; times and counts are whole, and stand in keys.
local function whole(value)
  if type(value) ~= "table" then
    return math.tointeger(value) or value
  end
  local copy = {}
  for key, member in pairs(value) do
    copy[key] = whole(member)
  end
  return copy
end

local function read_all()
  local rows, message = storage.sql("SELECT key, data FROM kept WHERE topic = ? AND key > 'alert/' "
    .. "AND key < 'failure0'", TOPIC)
  if not rows then
    return nil, message
  end
  known, saved = {}, {}
  for _, row in ipairs(rows) do
    known[row.key], saved[row.key] = whole(json.decode(row.data)), row.data
  end
  return true
end

--- Begins a turn; nil and why when the database does not say what was.
---@param now number
---@return Turn?
---@return string? message
function episodes.turn(now)
  local fine, message = outbox.prepare()
  if fine and not known then
    fine, message = read_all()
  end
  if not fine then
    return nil, message
  end
  local turn = setmetatable({ now = now, values = {}, events = {}, sent = {}, looked = {},
    kept = {}, known = known }, Turn)
  known = nil -- until all of it is kept
  return turn
end

--- The episode of a group, a new one where there is none.
---@return Episode
function Turn:episode(kind, name, group)
  local key = key_of(kind, name, group)
  self.looked[key] = true
  return self.known[key]
    or { kind = kind, name = name, group = group, state = states.new(self.now), notify = {} }
end

--- Those of a rule or a budget, by key.
---@return table<string, Episode>
function Turn:episodes(kind, name)
  local found = {}
  for key, episode in pairs(self.known) do
    if episode.kind == kind and (not name or episode.name == name) then
      found[key] = episode
    end
  end
  return found
end

function Turn:send(name, notice)
  if (config.notify or {})[name] then
    self.values[outbox.key(name)] = { notice = notice, at = self.now }
    self.sent[#self.sent + 1] = name
  end
end

--- Has notifiers told, and everybody who follows the stream.
---@param names string[]
---@param notice Notice
function Turn:tell(names, notice)
  for _, name in ipairs(names) do
    self:send(name, notice)
  end
  self:announce { type = notice.kind, data = notice, timestamp = self.now }
end

--- Calls fn once the turn's changes are in the database; never where they could not be.
---@param fn fun()
function Turn:once_kept(fn)
  self.kept[#self.kept + 1] = fn
end

function Turn:announce(event)
  self.events[#self.events + 1] = event
end

-- What an episode tells of itself now, if it does, and that it is remembered while it is worth it:
-- a group that has gone quietly is not.
function Turn:settle(episode, names, notice)
  local state = episode.state
  if notice then
    episode.notify, episode.severity, episode.last = names, notice.severity, notice
    self:tell(names, notice)
  end
  local key = key_of(episode.kind, episode.name, episode.group)
  local is_gone = state.missing and state.told == 0 and next(episode.group)
  self.known[key] = not (is_gone or states.is_idle(state)) and episode or nil
end

--- Goes on by one look at a group.
---@param seen { level: integer, count: integer, missing: boolean? }?  nil: all stays as it was
---@param times AlertTimes
---@param names string[]  of notifiers
---@param make fun(told: AlertTold): Notice
---@return AlertState
---@return AlertTold?
function Turn:step(kind, name, group, seen, times, names, make)
  local episode = self:episode(kind, name, group)
  local told = seen and states.step(episode.state, seen, self.now, times)
  self:settle(episode, names, told and make(told) or nil)
  return episode.state, told
end

--- Ends an episode whose rule, budget or period is gone.
---@param episode Episode
---@param make (fun(told: AlertTold): Notice)?
function Turn:close(episode, make)
  local told = states.resolve(episode.state)
  episode.state.missing = nil
  self:settle(episode, episode.notify,
    told and (make or notices.gone)(told, episode, self.now) or nil)
end

-- Some receivers forget what they are not told again, such as Alertmanager.
function Turn:remind()
  local before = reminded
  reminded = {}
  for key, episode in pairs(self.known) do
    for _, name in ipairs(episode.state.told > 0 and episode.notify or {}) do
      local seconds, id = outbox.reminds(name), key .. name
      reminded[id] = before[id] or episode.state.told_at
      if seconds and self.now - reminded[id] >= seconds and outbox.is_idle(name) then
        reminded[id] = self.now
        self:send(name, episode.last)
      end
    end
  end
end

function Turn:changes()
  local now_saved = {}
  for key, episode in pairs(self.known) do
    now_saved[key] = json.encode(episode)
    if now_saved[key] ~= saved[key] then
      self.values[key] = faults.plain(episode)
    end
  end
  for key in pairs(saved) do
    if not now_saved[key] then
      self.values[key] = false
    end
  end
  return now_saved
end

--- Keeps all that the turn has changed, and tells it.
---@return boolean?
---@return string? message
function Turn:commit()
  self:remind()
  local now_saved = self:changes()
  if next(self.values) then
    local fine, message = storage.put(TOPIC, self.values)
    if not fine then
      log.error("alerts could not be kept; the next look begins from what was", { error = message })
      return nil, message
    end
  end
  known, saved = self.known, now_saved
  for _, fn in ipairs(self.kept) do
    fn()
  end
  for _, event in ipairs(self.events) do
    sse.publish("alerts", event)
  end
  for _, name in ipairs(self.sent) do
    outbox.wake(name)
  end
  return true
end

return episodes
