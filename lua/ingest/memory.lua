--- What decoders remember from one body to the next, for as long as senders take to tell
--- the rest: shared by all loops in kv, and kept over a restart; an import, which has no kv,
--- remembers for its run.
--- kv has so many places and no more: what comes to a place that is taken is remembered
--- instead.  An import that would remember more than so many keys forgets all of them first.  A key
--- is a word for what it is of, and one or two ids.
local has_kv, kv = pcall(require, "kv")

local memory = {}

local kept_s = 86400

local own, nown, max_own = {}, 0, 65536

local function own_key(...)
  return table.concat({ ... }, "\n")
end

--- nil when it was never known or is forgotten.
---@type fun(what: string, id: string, more: string?): string?
memory.get = has_kv and kv.recall or function(...)
  return own[own_key(...)]
end

---@type fun(value: string, what: string, id: string, more: string?)
memory.set = has_kv and function(value, what, id, more)
  kv.note(kept_s, value, what, id, more)
end or function(value, ...)
  local key = own_key(...)
  if own[key] == nil then
    if nown == max_own then
      own, nown = {}, 0
    end
    nown = nown + 1
  end
  own[key] = value
end

--- Forgets everything: what it belonged to is gone.
memory.clear = has_kv and kv.forget or function()
  own, nown = {}, 0
end

return memory
