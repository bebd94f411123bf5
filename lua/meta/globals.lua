---@meta

--- Waits while other requests are served.
---@param ms number
function sleep(ms) end

--- Calls fn again and again, in a coroutine of its own that may yield, on one loop.  At load time.
---@param ms number
---@param fn fun()
function every(ms, fn) end
