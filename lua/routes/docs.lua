--- A page that shows /openapi.json and asks the routes in it.
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
        ["content-security-policy"] =
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
          .. "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      },
      file = "docs/index.html",
      missing =
        "Page not found. static/docs/index.html beside config.lua must be a file, and no link.",
    }
  end,
}
