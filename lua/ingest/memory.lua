--- What decoders remember from one body to the next, for as long as senders take to tell
--- the rest: shared by all loops in kv; an import, which has no kv, remembers for its run.
--- It has so many places and no more: what comes to a place that is taken is remembered
--- instead.
local has_kv, kv = pcall(require, "kv")

local memory = {}

local kept_s = 3600

local own, nown, max_own = {}, 0, 65536

-- Longer keys and values are not remembered.
local longest, longest_value = 400, 600

local function is_long(a, b, c)
  return #a + #b + (c and #c or 0) > longest
end

--- nil when it was never known or is forgotten.  A key is a word for what it is of, and one or two
--- ids.
---@param what string
---@param id string
---@param more string?
---@return string?
function memory.get(what, id, more)
  if is_long(what, id, more) then
    return nil
  elseif not has_kv then
    return own[table.concat({ what, id, more }, ":")]
  elseif more then
    return kv.recall(what, id, more)
  end
  return kv.recall(what, id)
end

---@param value string
---@param what string
---@param id string
---@param more string?
function memory.set(value, what, id, more)
  if is_long(what, id, more) or #value > longest_value then
    return
  elseif has_kv and more then
    kv.note(kept_s, value, what, id, more)
  elseif has_kv then
    kv.note(kept_s, value, what, id)
  else
    if nown == max_own then
      own, nown = {}, 0
    end
    own[table.concat({ what, id, more }, ":")], nown = value, nown + 1
  end
end

return memory
