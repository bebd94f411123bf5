--- Stands in for the server's `json` where a pure module is tested.
local json = require "spec.helpers.json"

local stand_in = setmetatable({}, { __index = json })

---@param text string
---@return any value
---@return string? message
function stand_in.decode(text)
  local fine, value = pcall(json.decode, text)
  return fine and value or nil, not fine and value or nil
end

return stand_in
