--- Module and styles of the page.
return {
  summary = "Files of the API's page.",
  feature = "dashboard_enabled",
  scope = "open",
  answers = "*/*",

  ---@param req Request
  ---@return Response
  handle = function(req)
    return { headers = { ["cache-control"] = "no-cache" }, file = "docs/" .. req.params["*"] }
  end,
}
