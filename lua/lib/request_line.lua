--- A request as a line of a terminal: when, how it went, what, how long, tokens, cost, who.
local amounts = require "lib.amounts"
local cell = require "lib.cell"
local colour = require "lib.colours"
local dates = require "lib.dates"

local request_line = {}

-- On this terminal's clock; with the date where that is another day than today.
local function clock(timestamp)
  local seconds = dates.seconds(timestamp)
  if not seconds then
    return cell(timestamp)
  end
  local date = os.date("%Y-%m-%d %H:%M:%S", math.floor(seconds))
  return date:sub(1, 10) == os.date "%Y-%m-%d" and date:sub(12) or date
end

local function status(code)
  local text = code and ("%3.0f"):format(code) or "  -"
  return colour(not code and "dim" or code >= 400 and "red" or "green", text)
end

local function tokens(row)
  local cached = row.cache_read_tokens or 0
  return ("%s in%s, %s out"):format(amounts.short(row.tokens_input or 0),
    cached > 0 and " + " .. amounts.short(cached) .. " cached" or "",
    amounts.short(row.tokens_output or 0))
end

--- row: of /logs/query with fields, or an event's data with its time.
---@param row table
---@return string
function request_line.of(row)
  local parts = {
    colour("dim", clock(row.timestamp)), status(row.status_code),
    colour("bold", ("%-28s"):format(cell(row.model ~= "" and row.model or row.endpoint))),
    ("%9s"):format(row.duration_ms and amounts.duration(row.duration_ms) or "-"),
    ("%10s"):format(row.cost_usd and amounts.dollars(row.cost_usd) or "-"), tokens(row),
  }
  for _, name in ipairs { "service_type", "user", "error_type" } do
    if row[name] and row[name] ~= "" then
      parts[#parts + 1] = colour("cyan", cell(row[name]))
    end
  end
  return table.concat(parts, "  ")
end

return request_line
