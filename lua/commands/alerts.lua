--- moonledger alerts: what the rules say, and tests of the notifiers (routes.alerts_test).
local cell = require "lib.cell"
local client = require "client"
local env = require "env"
local json = require "json"
local ledger = require "lib.ledger"
local plain = require "lib.plain"

local function ask(connection, method, target)
  local response, why = connection[method](connection, target)
  if not response then
    return nil, why
  elseif response.status ~= 200 then
    local answer = json.decode(response.body) or {}
    return nil, tostring(answer.detail or response.body:sub(1, 300))
  end
  return json.decode(response.body)
end

local function shown_group(group)
  local parts = {}
  for column, value in pairs(group) do
    parts[#parts + 1] = ("%s=%s"):format(column, cell(value))
  end
  table.sort(parts)
  return table.concat(parts, " ")
end

local function list(connection)
  local answer, why = ask(connection, "get", "/alerts")
  if not answer then
    return nil, why
  elseif #answer.alerts == 0 then
    print "no rules: they stand in config.lua under alerts, as lua/alerting/README.md has them"
  end
  for _, alert in ipairs(answer.alerts) do
    local value = alert.value ~= json.null and ("%.6g"):format(alert.value) or "-"
    print(("%-8s  %s  %s  %s"):format(alert.state, alert.name, value,
      alert.message and plain(alert.message) or shown_group(alert.group)))
  end
  return 0
end

local function test(connection, name)
  local answer, why = ask(connection, "post", "/-/alerts/test?" .. ledger.query { name = name })
  if not answer then
    return nil, why
  end
  local code = #answer.sent > 0 and 0 or 1
  for _, sent in ipairs(answer.sent) do
    print(("%s: %s"):format(sent.notifier,
      sent.delivered and "delivered" or "not delivered: " .. plain(sent.message)))
    code = sent.delivered and code or 1
  end
  return code, #answer.sent == 0 and name .. " tells nobody: config.lua's notify is empty" or nil
end

return {
  summary = "Shows the alerts, or tests a notifier.",
  description = [[
Shows what the rules of config.lua say. `alerts test NAME` has the running server send a test
to the notifier NAME, or to all that the rule NAME tells, and says whether it was answered 2xx.]],
  arguments = "[test NAME]",
  options = {
    { "url", "URL", "of the server: http://HOST:PORT (that of the config)" },
    { "token", "TOKEN", "with scope admin", env = "MOONLEDGER_ADMIN_TOKEN" },
  },
  examples = {
    { "moonledger alerts", "what the rules say now" },
    { "moonledger alerts test ops", "whether the receiver ops of config.lua can be reached" },
  },

  ---@param args Arguments
  run = function(args)
    local connection, why = client.open(args.url or env.server(), { token = args.token })
    if not connection then
      return nil, why
    elseif #args == 0 then
      return list(connection)
    elseif args[1] == "test" and #args == 2 then
      return test(connection, args[2])
    end
    return 2, "alerts: expected nothing, or test NAME"
  end,
}
