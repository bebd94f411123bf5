--- One turn at a time: one of an older generation may still wait for an answer when a reload has
--- brought the next.
local config = require "config"
local kv = require "kv"

local lock = {}

local meta = {
  __close = function(self)
    kv.set(self.key, nil)
  end,
}

--- A <close> variable that holds the lock; nil when somebody else does.
---@param name string
---@return table?
function lock.take(name)
  local key = "lock/" .. name
  local longest = config.script.wall_ms / 1000 + 1 -- no turn lives longer
  if kv.get(key) or not kv.set(key, true, longest) then
    return nil
  end
  return setmetatable({ key = key }, meta)
end

return lock
