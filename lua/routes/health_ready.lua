--- Whether requests can be served: the store reads and its last commit went well.
local health = later "lib.health"

return {
  summary = "The store can answer.",
  scope = "open",
  answers = "application/health+json",

  ---@return Response
  handle = function()
    return health.answer(health.store_failure(), {})
  end,
}
