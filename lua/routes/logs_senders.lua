--- Who sends, and what of it was not taken.
local senders = later "ingest.senders"

every(5000, function()
  senders.keep()
end)

return {
  summary = "Senders: when they were heard, how much they sent, what was rejected and why.",
  description = "One for each service type, user agent (with the sender's version) and API key, "
    .. "those first that were heard last; what is beyond 500 is one, (other). "
    .. "A body in which nothing was recognised is told of here too.",
  feature = "logs_endpoints_enabled",

  ---@param req Request
  ---@return Response
  handle = function(req)
    return { json = { senders = senders.list(), timestamp = req.now } }
  end,
}
