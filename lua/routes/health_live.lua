--- Whether the process answers at all.
local health = later "lib.health"

return {
  summary = "The process is alive.",
  scope = "open",
  answers = "application/health+json",

  ---@return Response
  handle = function()
    return health.answer(nil, {})
  end,
}
