--- The page's icon.
return {
  summary = "The dashboard's icon.",
  feature = "dashboard_enabled",
  scope = "open",
  answers = "image/svg+xml",

  ---@return Response
  handle = function()
    return {
      headers = { ["content-type"] = "image/svg+xml", ["cache-control"] = "public, max-age=3600" },
      file = "dashboard/favicon.svg",
    }
  end,
}
