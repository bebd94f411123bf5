--- What a decoder makes of one body.
local dates = require "lib.dates"

---@class Batch
---@field records table[]   in the schema's column names; other members are kept in extra
---@field events Event[]    what is no request: counted, and kept where config.lua says so
---@field rejected integer  records that could not be taken
---@field errors string[]   why, and warnings; the first few
---@field points Point[]     of metrics
---@field items integer       spans, log records or metrics seen
---@field recognised integer  those of them that somebody here knows
---@field made integer        records and events made of them
---@field calls Call[]      spans that nesting.lua has yet to make records of
---@field others table[]    .. spans that are none
---@field spans table<string, table<string, table>>  .. both, by trace and span
---@field sender Sender?     of what it holds, where that tells
---@field fault string?      why records could not be handed on

---@class Event
---@field sender string
---@field name string
---@field user_agent string?   of the sender, with its version
---@field timestamp any      unix nanoseconds, or ISO text
---@field session string?
---@field attributes table

local Batch = {}
Batch.__index = Batch

local max_errors = 20

local large = 2000

--- hand_on takes what the batch holds so far; it returns nil and why when it cannot.
---@param hand_on (fun(batch: Batch): any?, string?)?
---@param settle fun(batch: Batch)?  makes the rest of its records before
---@return Batch
local function new(hand_on, settle)
  return setmetatable({
    records = {}, events = {}, points = {}, calls = {}, others = {}, spans = {}, items = 0,
    recognised = 0, made = 0, rejected = 0, errors = {},
    hand_on = hand_on, settle = settle,
  }, Batch)
end

--- Counts an item that is known, be it a record or not.
function Batch:recognise()
  self.recognised = self.recognised + 1
end

--- Makes the records whole that it holds, before somebody takes them.
---@return table[] records
function Batch:complete()
  if self.settle then
    self:settle()
  end
  return self.records
end

--- Hands on what the batch holds and empties it.
---@return boolean false when it could not be taken: then fault says why
function Batch:flush()
  self:complete()
  local taken, fault = self.hand_on(self)
  self.records, self.events, self.points = {}, {}, {}
  self.fault = not taken and (fault or "not stored") or nil
  return not self.fault
end

--- The same, if it has grown large and somebody takes it.
---@return boolean
function Batch:relieve()
  local held = #self.records + #self.calls + #self.events + #self.points
  return not self.hand_on or held < large or self:flush()
end

function Batch:add(record)
  self.made = self.made + 1
  self.records[#self.records + 1] = record
end

function Batch:event(event)
  self.made = self.made + 1
  self.events[#self.events + 1] = event
end

function Batch:warn(message)
  if #self.errors < max_errors then
    self.errors[#self.errors + 1] = message
  end
end

function Batch:reject(message, count)
  self.rejected = self.rejected + (count or 1)
  self:warn(message)
end

--- When an event was, in unix seconds.
---@param event Event|LogEvent
---@return number?
local function seconds(event)
  local time = event.timestamp
  return math.type(time) == "integer" and time / 1e9 or dates.seconds(time)
end

return { new = new, seconds = seconds }
