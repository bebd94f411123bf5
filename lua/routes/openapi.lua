--- The API as OpenAPI 3.1, made from what the routes themselves declare.
local config = require "config"
local openapi = later "lib.openapi"

-- Route files are loaded before the first request, not before this file.
local function definitions()
  local routes = {}
  for _, entry in ipairs(config.routes) do
    local definition = require(entry[3])
    if not definition.feature or config.features[definition.feature] then
      routes[#routes + 1] =
        { method = entry[1], path = entry[2], module = entry[3], definition = definition }
    end
  end
  return routes
end

return {
  summary = "This description.",
  scope = "open",

  ---@return Response
  handle = function()
    return { json = openapi.document(definitions(), config.version) }
  end,
}
