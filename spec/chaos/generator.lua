--- A number generator of its own: math.random is everybody's. Numbers are Lehmer's, "minimal
--- standard" (Park and Miller, 1988).
---@param seed integer
---@return fun(m: integer, n?: integer): integer  as math.random
return function(seed)
  local state = seed % 2147483646 + 1
  return function(m, n)
    state = state * 48271 % 2147483647
    local low, high = n and m or 1, n or m
    return low + state % (high - low + 1)
  end
end
