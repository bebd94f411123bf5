---@meta log

--- Structured lines on standard error.
local log = {}

---@param message string
---@param fields table<string, any>?  at most 16
function log.debug(message, fields) end

---@param message string
---@param fields table<string, any>?
function log.info(message, fields) end

---@param message string
---@param fields table<string, any>?
function log.warn(message, fields) end

---@param message string
---@param fields table<string, any>?
function log.error(message, fields) end

return log
