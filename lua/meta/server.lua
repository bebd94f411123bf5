---@meta server

--- The running server.
local server = {}

--- Reads config.lua and lua/ again.  Yields.
---@return integer generation  the one in force
---@return string[]? errors    why the files were not taken
function server.reload() end

---@class ServerStatus
---@field generation integer  of the code in force
---@field started number      unix seconds
---@field errors string[]     why the newest files were not taken; empty where they were

---@return ServerStatus
function server.status() end

--- Unix seconds, to a microsecond.
---@return number
function server.now() end

--- Whether the request in hand would be let into a route of this scope.
---@param scope "open"|"read"|"ingest"|"admin"
---@return boolean  false in every()
function server.may(scope) end

return server
