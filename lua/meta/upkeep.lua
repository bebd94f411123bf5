---@meta upkeep

--- Long work on the whole database, one at a time, on a thread of its own.
local upkeep = {}

---@alias UpkeepWork "upgrade"|"backup"|"restore"|"verify"

---@class UpkeepCheck
---@field name "pages"|"rows"|"parts"|"ids"|"cells"|"file"
---@field seen integer     how many were looked at
---@field faults integer
---@field detail string?   the first fault, and what repairs it
---@field repaired boolean? whether that is done, or will be at the next start

---@class UpkeepState
---@field what UpkeepWork
---@field running boolean
---@field step string      what it is at
---@field done integer     of the step
---@field total integer    0: nobody knows
---@field began number     unix seconds
---@field ended number?
---@field folder string?   of a backup
---@field checks UpkeepCheck[]?  of work that has ended
---@field error string?    of work that has ended: what, where and how to repair it

--- Starts work and goes on; it ends with the server or the command.
---@param what UpkeepWork  in a server "backup" or "verify"; others need the file for themselves
---@param options { folder: string?, full: boolean?, repair: boolean? }?  folder: of the backup,
--- instead of a new one in storage.backup_folder; full: verify every row, id and cell; repair: the
--- same, and without a server, what can be made anew is
---@return boolean?
---@return string? message
---@return ("busy"|"unavailable"|"no_folder"|"failed")? reason
function upkeep.start(what, options) end

--- Of what runs or ran last; nil where there was none.
---@return UpkeepState?
function upkeep.state() end

--- Of the database; for commands alone.
---@return string
function upkeep.path() end

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
