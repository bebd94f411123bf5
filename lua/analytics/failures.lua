--- Groups of failures, most frequent first: what went wrong, since when, and the newest message.
local dates = require "lib.dates"
local json = require "json"
local text = require "lib.text"

local failures = {}

failures.BY = { "error_type", "status_code", "model", "provider" }

local LONGEST_MESSAGE = 500

--- Lists of groups as one, at most limit of them.
---@param lists Group[][]
---@param limit integer
---@return Group[]
function failures.most_frequent(lists, limit)
  local all = {}
  for _, list in ipairs(lists) do
    table.move(list, 1, #list, #all + 1, all)
  end
  table.sort(all, function(a, b)
    if a.requests ~= b.requests then
      return a.requests > b.requests
    end
    return a.last_row > b.last_row
  end)
  return table.move(all, 1, math.min(#all, limit), 1, {})
end

---@param groups Group[]
---@param newest table<integer, { request_id: string, message: string? }>  by row
---@return table[]
function failures.shape(groups, newest)
  local list = json.array {}
  for i, group in ipairs(groups) do
    local row = newest[group.last_row] or {}
    list[i] = {
      error_type = group.error_type,
      status_code = group.status_code,
      model = group.model,
      provider = group.provider,
      count = group.requests,
      first_seen = dates.iso(group.first_seen),
      last_seen = dates.iso(group.last_seen),
      message = row.message and text.clip(row.message, LONGEST_MESSAGE) or json.null,
      request_id = row.request_id or json.null,
    }
  end
  return list
end

return failures
