--- moonledger statusline: the line that Claude Code shows below its prompt
--- (https://docs.claude.com/en/docs/claude-code/statusline): it gives JSON about the session on
--- standard input and takes the first line of output.
local amounts = require "lib.amounts"
local env = require "env"
local file = require "file"
local json = require "json"
local ledger = require "lib.ledger"

local function read_input()
  local reader <close> = file.open "-"
  local text, piece = "", reader and reader:read()
  while piece do
    text = text .. piece
    piece = reader:read()
  end
  local input = json.decode(text)
  return type(input) == "table" and input or {}
end

-- A member of a member, where all of them are there.
local function at(input, ...)
  for _, name in ipairs { ... } do
    if type(input) ~= "table" then
      return nil
    end
    input = input[name]
  end
  return input ~= json.null and input or nil
end

-- When the day began on this terminal's clock, or the one so many days later does.
local function midnight(later)
  local now = os.date "*t"
  return os.time { year = now.year, month = now.month, day = now.day + later, hour = 0 }
end

local function cost(store, query)
  query.by, query.limit = "service_type", 1
  local answer = store:get("/logs/breakdown", query)
  return answer and answer.totals.total_cost_usd
end

-- The session's, as we know it or as Claude Code reckons; and the day's.
local function costs(input, store)
  local session, parts = at(input, "session_id"), {}
  local known = store and session and cost(store, { session_client_id = session }) or 0
  local spent = known > 0 and known or tonumber(at(input, "cost", "total_cost_usd"))
  parts[#parts + 1] = spent and amounts.dollars(spent) .. " session"
  local today = store and cost(store, { start_time = midnight(0),
    end_time = midnight(1) })
  parts[#parts + 1] = today and amounts.dollars(today) .. " today"
  return #parts > 0 and table.concat(parts, " · ") or nil
end

local function context(input)
  local window = at(input, "context_window")
  local share = tonumber(at(window, "used_percentage"))
  local usage, size = at(window, "current_usage"), tonumber(at(window, "context_window_size"))
  local used
  for _, name in ipairs { "input_tokens", "cache_creation_input_tokens",
      "cache_read_input_tokens" } do
    used = tonumber(at(usage, name)) and (used or 0) + usage[name] or used
  end
  share = share or used and size and size > 0 and used / size * 100
  if not share then
    return at(input, "exceeds_200k_tokens") == true and "context over 200k" or nil
  end
  return used and ("%s context (%.0f%%)"):format(amounts.short(used), share)
    or ("context %.0f%%"):format(share)
end

-- The budget of which most is spent.
local function budget(store)
  local answer, worst = store and store:get("/budgets", {}), nil
  for _, one in ipairs(at(answer, "budgets") or {}) do
    if tonumber(one.share) and (not worst or one.share > worst.share) then
      worst = one
    end
  end
  return worst and ("%s %s of %s"):format(worst.name, amounts.dollars(worst.spent),
    amounts.dollars(worst.limit))
end

return {
  summary = "A line for Claude Code: cost of session and day, context, budget.",
  description = [[
Reads what Claude Code tells on standard input and prints one line: model, cost of the session and
of the day, how full the context is, and the budget of which most is spent.  In
~/.claude/settings.json:
  "statusLine": { "type": "command", "command": "moonledger statusline" }]],
  options = ledger.options,
  examples = {
    { [[echo '{ "session_id": "s1" }' | moonledger statusline]], "as Claude Code calls it" },
  },

  ---@param args Arguments
  run = function(args)
    local input = read_input()
    local store = ledger.open(args)
    local parts = {}
    parts[#parts + 1] = at(input, "model", "display_name") or at(input, "model", "id")
    parts[#parts + 1] = costs(input, store)
    parts[#parts + 1] = context(input)
    parts[#parts + 1] = budget(store)
    if not store then
      parts[#parts + 1] = "no ledger at " .. (args.url or env.server())
    end
    print(table.concat(parts, " | "))
    return 0
  end,
}
