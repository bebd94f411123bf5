--- Where somebody who types the server's address wants to go.
return {
  summary = "Leads to the dashboard.",
  feature = "dashboard_enabled",
  scope = "open",

  ---@return Response
  handle = function()
    return { status = 307, headers = { location = "/dashboard" }, body = "" }
  end,
}
