--- The notice as it is, as JSON.  headers may carry a secret; the receiver drops a repeated key.
local json = require "json"

return {
  summary = "POSTs the notice as JSON.",
  settings = { url = "url", headers = "texts" },

  ---@param notice Notice
  request = function(notice, settings)
    local headers = { ["content-type"] = "application/json" }
    for name, value in pairs(settings.headers or {}) do
      headers[name:lower()] = value
    end
    return { url = settings.url, headers = headers, body = json.encode(notice) }
  end,
}
