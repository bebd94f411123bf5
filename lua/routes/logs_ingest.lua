--- Takes records in: one, an array, {"records": [...]} or lines of them.
local senders = later "ingest.senders"
local storage = require "storage"

local FORMATS = {
  ["application/json"] = "json",
  ["application/x-ndjson"] = "ndjson",
  ["application/ndjson"] = "ndjson",
  ["application/jsonl"] = "ndjson",
}

local UNKNOWN_TYPE =
  "Content-Type must be application/json, application/x-ndjson or application/jsonl"

local RETRY = { ["retry-after"] = "1" }

local function format_of(content_type)
  return FORMATS[content_type] or FORMATS[content_type:match("^%s*([^;%s]*)"):lower()]
end

return {
  summary = "Stores records and broadcasts them; the answer comes after the commit.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  scope = "ingest",
  takes = { "application/json", "application/x-ndjson", "application/jsonl" },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local format = format_of(req.headers["content-type"] or "")
    if not format then
      return { status = 415, detail = UNKNOWN_TYPE }
    end
    local result, counts_or_why = storage.ingest(req.body, format, senders.columns)
    if not result then
      return { status = 503, headers = RETRY, detail = "Not stored: " .. counts_or_why }
    end
    local sender = senders.took(counts_or_why) or senders.of_request(req)
    if result.rejected > 0 then
      senders.refused(sender, result.rejected, result.errors)
    end
    local taken = result.accepted + result.merged + (result.dropped or 0)
    return { status = taken == 0 and #result.errors > 0 and 400 or 200, json = result }
  end,
}
