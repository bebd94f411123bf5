--- Computes the costs of stored rows anew, a page per request: `moonledger reprice`
--- asks until there is no next_cursor.
local cursor = later "lib.cursor"
local iterations = later "ingest.iterations"
local json = require "json"
local params = require "lib.params"
local price_table = later "lib.price_table"
local pricing = later "lib.pricing"
local storage = require "storage"

local page = 2000

local function usage_of(row)
  local extra = row.extra and json.decode(tostring(row.extra)) or {}
  local usage = pricing.usage_of_row(row, extra)
  usage.request_id = row.request_id
  usage.model = usage.model ~= "" and usage.model or nil
  return usage, extra
end

-- A cost without a source came from its sender.
local function is_reported(row, source)
  return source == "reported" or not source and row.cost_usd ~= 0
end

-- Of what the row was made of no record told more that its cost is computed from.
local function record_of(usage, row, extra)
  usage.model, usage.provider, usage.timestamp = nil, nil, nil
  usage.tier, usage.service_tier = row.tier, extra.service_tier
  return usage
end

-- The new cost as a record that is merged into the row; nil when nothing changes.
local function change(row)
  local usage, extra = usage_of(row)
  local prices = price_table.current()
  local parts = extra.part_usages and iterations.settle(prices, extra.part_usages)
  local has_other_parts = parts and parts ~= extra.parts_cost_usd
  if is_reported(row, extra.cost_source) then
    return has_other_parts and { request_id = row.request_id, parts_cost_usd = parts } or nil
  end
  prices:settle(usage)
  usage.cost_usd = usage.cost_usd or 0
  if usage.cost_source == extra.cost_source and usage.cost_usd == row.cost_usd
      and not has_other_parts then
    return nil
  end
  usage.parts_cost_usd = parts
  return record_of(usage, row, extra)
end

return {
  summary = "Computes the costs of a page of stored rows anew, oldest first.",
  scope = "admin",
  params = { cursor = params.string {} },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local after
    if req.params.cursor then
      after = cursor.decode(req.params.cursor, {}, false)
      if not after then
        return cursor.refuse(req.params.cursor)
      end
    end
    local rows, place_or_why = storage.select { order_by = "timestamp", limit = page, after = after,
      extra = true }
    if not rows then
      return { status = 503, detail = place_or_why }
    end
    local changes = {}
    for _, row in ipairs(rows) do
      changes[#changes + 1] = change(row)
    end
    local result, message = storage.insert(changes)
    if not result then
      return { status = 503, headers = { ["retry-after"] = "1" }, detail = message }
    end
    return {
      json = {
        seen = #rows, changed = result.merged, total = storage.stats().rows,
        next_cursor = cursor.encode(place_or_why, {}, false),
      },
    }
  end,
}
