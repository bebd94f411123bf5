--- One turn at a time: one of an older generation may still wait for an answer when a reload has
--- brought the next.  Who was ended meanwhile by a limit gives way when the turn's time is over.
local config = require "config"
local kv = require "kv"

local lock = {}

---@param name string
---@return boolean  whether it is the caller's, who releases it
function lock.take(name)
  local key = "lock/" .. name
  if kv.get(key) then
    return false
  end
  return kv.set(key, true, config.script.wall_ms / 1000 + 1) == true
end

---@param name string
function lock.release(name)
  kv.set("lock/" .. name, nil)
end

return lock
