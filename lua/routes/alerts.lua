--- What the rules of config.lua say now.
local json = require "json"
local look = later "alerting.look"

return {
  summary = "The rules of config.lua, with their state: ok, pending, firing, no_data or error.",
  feature = "logs_endpoints_enabled",
  needs = "storage",

  ---@param req Request
  ---@return Response
  handle = function(req)
    return { json = { alerts = json.fragment(look.shown(req.now)), timestamp = req.now } }
  end,
}
