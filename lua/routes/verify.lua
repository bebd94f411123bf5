--- Checks the database while it is served.
local params = require "lib.params"
local upkeep_answer = later "lib.upkeep_answer"

return {
  summary = "Starts a verification of the whole database, or tells of the one that runs.",
  scope = "admin",
  params = {
    full = params.boolean { default = true, description = "Every row, id and cell." },
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    return upkeep_answer.start("verify", { full = req.params.full })
  end,
}
