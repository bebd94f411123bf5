--- Health in the format of draft-inadarei-api-health-check.
local config = require "config"
local health = later "lib.health"

return {
  summary = "Whether the server is well, with figures.",
  scope = "open",
  answers = "application/health+json",

  ---@param req Request
  ---@return Response
  handle = function(req)
    return health.answer(health.store_failure(),
      { version = config.version, checks = health.checks(req.now), output = health.concern() })
  end,
}
