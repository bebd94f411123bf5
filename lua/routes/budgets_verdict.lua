--- Whether one more call may be made, for gateways and hooks.
local look = later "budgets.look"
local params = require "lib.params"

return {
  summary = "Whether a budget of config.lua still allows a call of this user, team, key, ..",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  params = {
    user = params.string { description = "Who calls, as records say it." },
    team = params.string {},
    api_key = params.string {},
    project = params.string {},
    model = params.string {},
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    return { json = look.verdict(req.params, req.now) }
  end,
}
