--- What a decoder makes of one body.

---@class Batch
---@field records table[]   in the schema's column names; other members are kept in extra
---@field events Event[]    what is no request: counted, and kept where config.lua says so
---@field rejected integer  records that could not be taken
---@field errors string[]   why, and warnings; the first few

---@class Event
---@field sender string
---@field name string
---@field timestamp integer? unix nanoseconds
---@field session string?
---@field attributes table

local Batch = {}
Batch.__index = Batch

local max_errors = 20

---@return Batch
local function new()
  return setmetatable({ records = {}, events = {}, rejected = 0, errors = {} }, Batch)
end

function Batch:add(record)
  self.records[#self.records + 1] = record
end

function Batch:event(event)
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

return { new = new }
