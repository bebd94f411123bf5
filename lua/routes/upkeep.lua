--- How far a backup or a verification is, or how the last one ended.
local upkeep_answer = later "lib.upkeep_answer"

return {
  summary = "The backup or verification that runs, or ran last.",
  scope = "admin",

  ---@return Response
  handle = function()
    return upkeep_answer.now()
  end,
}
