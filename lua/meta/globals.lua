---@meta

--- Waits while other requests are served.
---@param ms number
function sleep(ms) end

--- require(name) for what few requests need: the module is loaded when something of it is first
--- asked for.  Where a file of lua/ is the user's own it is loaded at once, so that a mistake is
--- found when it is saved.
---@param name string
---@return any
function later(name) end

--- Calls fn again and again, in a coroutine of its own that may yield, on one loop.  At load time.
---@param ms number
---@param fn fun()
function every(ms, fn) end
