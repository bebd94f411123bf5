--- What the budgets of config.lua have spent.
local look = later "budgets.look"

return {
  summary = "The budgets of config.lua: what is spent, of what, until when, and at what pace.",
  feature = "logs_endpoints_enabled",
  needs = "storage",

  ---@param req Request
  ---@return Response
  handle = function(req)
    return { json = { budgets = look.lines(req.now), timestamp = req.now } }
  end,
}
