--- Modules, styles and libraries of the page.
return {
  summary = "Files of the dashboard.",
  feature = "dashboard_enabled",
  scope = "open",
  answers = "*/*",

  ---@param req Request
  ---@return Response
  handle = function(req)
    return { headers = { ["cache-control"] = "no-cache" }, file = "dashboard/" .. req.params["*"] }
  end,
}
