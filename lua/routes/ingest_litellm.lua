local litellm = later "ingest.litellm"
local price_table = later "lib.price_table"
local text_http = later "ingest.text_http"

return {
  summary = "Takes LiteLLM's generic_api callback and its spend logs.",
  needs = "storage",
  scope = "ingest",
  takes = { "application/json", "application/x-ndjson" },

  ---@param req Request
  ---@return Response
  handle = function(req)
    return text_http.take(req, function(text, hand_on)
      return litellm.decode(text, price_table.current(), hand_on)
    end)
  end,
}
