--- Rows page by page, in any order.
local cursor = later "lib.cursor"
local fields = require "lib.fields"
local filters = require "lib.filters"
local json = require "json"
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"
local storage = require "storage"

local COLUMNS = {}
for _, name in ipairs(storage.columns()) do
  COLUMNS[name] = true
end

-- A page by its number; a cursor leads further than counting, so its pages have none.
local function add_numbers(answer, values, total)
  answer.total_count = total
  answer.page = values.offset // values.limit + 1
  answer.total_pages = (total + values.limit - 1) // values.limit
end

-- Here a * is an ordinary character.
local READS = { service_type = filters.list "service_type" }

return {
  summary = "Rows that match the filters, page by page.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  params = filters.params {
    limit = params.integer { default = 50, ge = 1, le = 1000, description = "Rows of a page." },
    offset = params.integer { default = 0, ge = 0, description = "Rows to leave out." },
    order_by = params.string { default = "timestamp",
      description = "A column; anything else is timestamp." },
    order_desc = params.boolean { default = false, description = "Descending." },
    service_type =
      params.string { description = "Service types, comma-separated; !NAME excludes." },
    cursor =
      params.string { description = "next_cursor of the page before; only ordered by timestamp." },
    fields = fields.param(),
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local values = req.params
    local order_by = COLUMNS[values.order_by] and values.order_by or "timestamp"
    local descending, by_time = values.order_desc, order_by == "timestamp"
    local where = filters.where(values, READS)
    local after = values.cursor and by_time and cursor.decode(values.cursor, where, descending)
    if values.cursor and not after then
      return cursor.refuse(values.cursor)
    end

    local page, message, reason = storage.select {
      where = where, order_by = order_by, descending = descending, limit = values.limit,
      after = after or nil,
      offset = after and 0 or math.min(values.offset, 0xffffffff), as = "json",
      fields = fields.chosen(values.fields),
    }
    local total
    if page and not after then
      total, message, reason = storage.count { where = where }
    end
    if not page or not after and not total then
      return needs_storage.failed(message, reason)
    end

    local answer = {
      entries = page.json,
      limit = values.limit,
      offset = values.offset,
      order_by = order_by,
      order_desc = descending,
      service_type = values.service_type or json.null,
      next_cursor = by_time and cursor.encode(page.next, where, descending) or json.null,
      backend = "sqlmodel",
    }
    if total then
      add_numbers(answer, values, total)
    end
    return { json = answer }
  end,
}
