--- What decoders remember from one body to the next, for as long as senders take to tell the rest: shared by all loops
--- in kv, which forgets in time; an import, which has no kv, remembers for its run.
local has_kv, kv = pcall(require, "kv")

local memory = {}

local kept_s = 3600

local own, nown, max_own = {}, 0, 200000

--- nil when it was never known or is forgotten.
---@param key string
---@return string?
function memory.get(key)
  if has_kv then
    return kv.get(key)
  end
  return own[key]
end

---@param key string
---@param value string
function memory.set(key, value)
  if has_kv then
    kv.set(key, value, kept_s)
    return
  end
  if nown == max_own then
    own, nown = {}, 0
  end
  nown = own[key] and nown or nown + 1
  own[key] = value
end

return memory
