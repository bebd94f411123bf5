---@meta kv

--- Values that all loops and generations share, in memory; they are gone when the server ends.
local kv = {}

---@alias Value nil|boolean|number|string

---@param key string
---@return Value
function kv.get(key) end

--- nil removes.
---@param key string
---@param value Value
---@param ttl number?  seconds; default: for ever
---@return boolean?
---@return string? message  when all values together have become too large
function kv.set(key, value, ttl) end

--- Adds to a number, 0 where there is none, in one step.
---@param key string
---@param by number?   default 1
---@param ttl number?  seconds, of a new value
---@return number?
---@return string? message
function kv.incr(key, by, ttl) end

--- Remembers a text under a key in parts, also over a restart.  There are 65,536 places for such
--- notes, and each has the one that came last: notes are for what may be forgotten.
---@param seconds number  to live
---@param value string
---@param ... string?  the key, up to a nil
---@return boolean     false: key and value have more than 1,000 bytes
function kv.note(seconds, value, ...)
  return true
end

--- The text that was noted under the key, if it is still there.
---@param ... string?
---@return string?
function kv.recall(...) end

--- Forgets all notes, also those of earlier runs.
function kv.forget() end

return kv
