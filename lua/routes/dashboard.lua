--- The page.
local page = require "lib.page"

return {
  summary = "The dashboard.",
  feature = "dashboard_enabled",
  scope = "open",
  answers = "text/html",

  ---@return Response
  handle = function()
    return {
      headers = {
        ["content-type"] = "text/html; charset=utf-8",
        ["cache-control"] = "no-cache, no-store, must-revalidate",
        pragma = "no-cache",
        expires = "0",
        ["content-security-policy"] = page.POLICY,
      },
      file = "dashboard/index.html",
      missing =
        "Dashboard not found. static/dashboard/index.html beside config.lua must be a file, and "
          .. "no link.",
    }
  end,
}
