--- Reads config.lua and lua/ again.
local json = require "json"
local server = require "server"

return {
  summary =
    "Reloads the scripts; the answer tells the generation in force, or the errors that kept the "
      .. "old one.",
  feature = "reload_enabled",
  scope = "admin",

  ---@return Response
  handle = function()
    local generation, errors = server.reload()
    if errors then
      return { status = 422, json = { generation = generation, errors = json.array(errors) } }
    end
    return { json = { generation = generation, errors = json.array {} } }
  end,
}
