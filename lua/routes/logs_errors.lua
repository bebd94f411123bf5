--- What went wrong: groups of failures, each with its newest message.
local failures = later "analytics.failures"
local filters = require "lib.filters"
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"
local storage = require "storage"
local window = later "lib.window"

-- A failure has an error's status, or the type of an error after a good one.
local KINDS = {
  { { "status_code", ">=", 400 } },
  { { "status_code", "<", 400 }, { "error_type", "!=", "" } },
}

local function groups_of(values, kind)
  local where = filters.where(values)
  table.move(kind, 1, #kind, #where + 1, where)
  return storage.aggregate {
    where = where, by = failures.BY, seen = true, measures = { "requests" },
    order_by = "requests", descending = true, limit = values.limit,
  }
end

-- The newest row of each group, by its number.
local function newest_rows(groups)
  local rows, marks, newest = {}, {}, {}
  for i, group in ipairs(groups) do
    rows[i], marks[i] = group.last_row, "?"
  end
  if #rows == 0 then
    return newest
  end
  local found, message, reason = storage.sql(
    "SELECT rowid AS row, request_id, extra ->> '$.error_message' AS message FROM rows "
      .. "WHERE rowid IN (" .. table.concat(marks, ",") .. ")", table.unpack(rows))
  if not found then
    return nil, message, reason
  end
  for _, row in ipairs(found) do
    newest[row.row] = row
  end
  return newest
end

return {
  summary = "Groups of failures, most frequent first, each with its newest message.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  params = filters.params {
    limit = params.integer { default = 50, ge = 1, le = 100,
      description = "Most groups to answer." },
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local values, lists = req.params, {}
    for i, kind in ipairs(KINDS) do
      local groups, message, reason = groups_of(values, kind)
      if not groups then
        return needs_storage.failed(message, reason)
      end
      lists[i] = groups
    end
    local groups = failures.most_frequent(lists, values.limit)
    local newest, message, reason = newest_rows(groups)
    if not newest then
      return needs_storage.failed(message, reason)
    end
    return { json = { errors = failures.shape(groups, newest),
      window = window.used(values, table.unpack(lists)),
      exact = window.exact(table.unpack(lists)) } }
  end,
}
