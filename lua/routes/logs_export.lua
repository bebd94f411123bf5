--- All rows that match, however many: pages of a few hundred, each its own short read, so that a
--- slow client holds nothing up.
local fields = require "lib.fields"
local filters = require "lib.filters"
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"
local storage = require "storage"

local PAGE = 500

local TYPES = { csv = "text/csv; charset=utf-8; header=present", ndjson = "application/x-ndjson" }

return {
  summary = "The rows that match, newest first, as a file.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  answers = "application/x-ndjson",
  params = filters.params {
    format = params.string { default = "ndjson", one_of = { "ndjson", "csv" },
      description = "Of the file." },
    fields = fields.param(),
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local format, where = req.params.format, filters.where(req.params)
    local shown = fields.chosen(req.params.fields) or fields.ALL
    local function read(after)
      return storage.select {
        where = where, descending = true, limit = PAGE, after = after, as = format, fields = shown,
      }
    end
    local page, message, reason = read()
    if not page then
      return needs_storage.failed(message, reason)
    end

    return {
      headers = {
        ["content-type"] = TYPES[format],
        ["content-disposition"] = ('attachment; filename="moonledger-logs.%s"'):format(format),
        ["cache-control"] = "no-store",
      },
      stream = function(write)
        if format == "csv" then
          write(table.concat(shown, ",") .. "\r\n")
        end
        while true do
          write(page.text)
          if not page.next then
            return
          end
          page = assert(read(page.next))
        end
      end,
    }
  end,
}
