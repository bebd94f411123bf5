--- FNV-1a, 64 bits (draft-eastlake-fnv): the same at every run; against mistakes, not forgers.
---@param text string
---@return integer
return function(text)
  local hash = 0xcbf29ce484222325
  for i = 1, #text do
    hash = (hash ~ text:byte(i)) * 0x100000001b3
  end
  return hash
end
