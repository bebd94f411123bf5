---@meta upkeep

--- Long work on the whole database, one at a time, on a thread of its own.
local upkeep = {}

---@class UpkeepState
---@field what "upgrade"
---@field running boolean
---@field step string      what it is at
---@field done integer     of the step
---@field total integer    0: nobody knows
---@field began number     unix seconds
---@field ended number?
---@field error string?    of work that has ended: what, where and how to repair it

--- Starts work and goes on; it ends with the server or the command.
---@param what "upgrade"
---@return boolean?
---@return string? message
---@return ("busy"|"failed")? reason
function upkeep.start(what) end

--- Of what runs or ran last; nil where there was none.
---@return UpkeepState?
function upkeep.state() end

---@class UpgradeCost
---@field path string         of the database
---@field needed boolean
---@field file_bytes integer
---@field disk_bytes integer  wanted beside it
---@field free_bytes integer  that its disk has
---@field seconds number      about

--- What upgrading the file takes; for commands alone.
---@return UpgradeCost?
---@return string? message
function upkeep.upgrade_cost() end

return upkeep
