--- A page that shows /openapi.json and asks the routes in it.
local page = require "lib.page"

return {
  summary = "This API, to read and to try.",
  feature = "dashboard_enabled",
  scope = "open",
  answers = "text/html",

  ---@return Response
  handle = function()
    return {
      headers = {
        ["content-type"] = "text/html; charset=utf-8",
        ["cache-control"] = "no-cache",
        ["content-security-policy"] = page.POLICY,
      },
      file = "docs/index.html",
      missing =
        "Page not found. static/docs/index.html beside config.lua must be a file, and no link.",
    }
  end,
}
