--- Prometheus' Alertmanager, API v2: it groups, silences and repeats by itself, and takes what it
--- is not told again for over.  url is that of the server: http://127.0.0.1:9093
local dates = require "lib.dates"
local json = require "json"

local REMINDS = 60

return {
  summary = "Posts to Alertmanager's API v2.",
  settings = { url = "url" },
  reminds = REMINDS,

  ---@param notice Notice
  request = function(notice, settings)
    local labels = { alertname = notice.name, severity = notice.severity, kind = notice.kind }
    for column, value in pairs(notice.group) do
      labels[column] = value
    end
    local is_over = notice.status == "resolved"
    return {
      url = settings.url:gsub("/+$", "") .. "/api/v2/alerts",
      headers = { ["content-type"] = "application/json" },
      body = json.encode(json.array { {
        labels = labels, annotations = { text = notice.text, summary = notice.summary },
        startsAt = notice.started,
        endsAt = is_over and notice.at or dates.iso(os.time() + 5 * REMINDS),
      } }),
    }
  end,
}
