local ccproxy = later "ingest.ccproxy"
local price_table = later "lib.price_table"
local text_http = later "ingest.text_http"

return {
  summary = "Takes ccproxy's log lines, v0.1.7 and v0.2.",
  needs = "storage",
  scope = "ingest",
  takes = { "application/json", "application/x-ndjson" },

  ---@param req Request
  ---@return Response
  handle = function(req)
    return text_http.take(req, function(text, hand_on)
      return ccproxy.decode(text, price_table.current(), hand_on)
    end)
  end,
}
