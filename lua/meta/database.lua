---@meta database

--- For commands: the database file of config.lua or --database itself, while no server has it.
local database = {}

---@class Database
local Database = {}

---@param path string?  of another one, which is made where it is not there
---@return Database?
---@return string? message
---@return ("locked"|"failed")? reason  locked: a server has it, see client
function database.open(path) end

--- Whether a server, or a command, has the file of config.lua or --database now.
---@return boolean
function database.is_held() end

--- Stores records, a line of JSON each, but for content, and looks for repeated ids among all
--- rows.
---@param lines string
---@param content Content
---@return { accepted: integer, merged: integer, rejected: integer }?
---@return string? message
function Database:ingest(lines, content) end

---@return string
function Database:path() end

--- Commits and closes; the same as the end of a <close> variable.
function Database:close() end

return database
