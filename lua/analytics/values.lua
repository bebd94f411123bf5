--- The values of a column and how many rows have them.
local json = require "json"

local values = {}

--- So many of the groups may be no values: the empty text, and the rest of a bucket that is full.
values.EXTRA = 2

---@param groups Group[]  most used first
---@param field string
---@param limit integer
---@return table[]
function values.shape(groups, field, limit)
  local list = json.array {}
  for _, group in ipairs(groups) do
    local value = group[field]
    if value ~= "" and (groups.exact or value ~= "(other)") and #list < limit then
      list[#list + 1] = { value = value, request_count = group.requests }
    end
  end
  return list
end

return values
