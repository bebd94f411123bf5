local access_log = later "ingest.access_log"
local text_http = later "ingest.text_http"

return {
  summary = "Takes JSON access logs of nginx and Caddy.",
  needs = "storage",
  scope = "ingest",
  takes = { "application/json", "application/x-ndjson" },

  ---@param req Request
  ---@return Response
  handle = function(req)
    return text_http.take(req, function(text, hand_on)
      return access_log.decode(text, hand_on)
    end)
  end,
}
