local access_log = later "ingest.access_log"
local text_http = require "ingest.text_http"

return {
  summary = "Takes JSON access logs of nginx and Caddy.",
  needs = "storage",
  scope = "ingest",
  takes = { "application/json", "application/x-ndjson" },
  handle = text_http.handler(function(text, hand_on)
    return access_log.decode(text, hand_on)
  end),
}
