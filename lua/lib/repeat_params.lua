--- What an answer repeats of its parameters.
local json = require "json"

--- The values under these names; null where nothing was given.
---@param values table<string, any>
---@param names string[]
---@return table<string, any>
return function(values, names)
  local echoed = {}
  for _, name in ipairs(names) do
    if values[name] == nil then
      echoed[name] = json.null
    else
      echoed[name] = values[name]
    end
  end
  return echoed
end
