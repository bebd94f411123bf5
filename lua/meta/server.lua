---@meta server

--- The running server.
local server = {}

--- Reads config.lua and lua/ again.  Yields.
---@return integer generation  the one in force
---@return string[]? errors    why the files were not taken
function server.reload() end

return server
