--- Sends a test notice, and says what came of it.
local config = require "config"
local json = require "json"
local look = later "alerting.look"
local notices = later "alerting.notices"
local outbox = later "alerting.outbox"
local params = require "lib.params"

-- Of a notifier itself, or all that a rule of the name would tell.
local function targets(name)
  local rule = look.rule(name)
  if rule then
    return rule.notify
  end
  return (config.notify or {})[name] and { name } or nil
end

return {
  summary = "Sends a test to a notifier, or to all that a rule tells.",
  scope = "admin",
  params = { name = params.string { required = true, description = "Of a notifier or a rule." } },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local name = req.params.name
    local names = targets(name)
    if not names then
      return { status = 404,
        detail = ("config.lua has no notifier and no rule of the name %q"):format(name) }
    end
    local sent = json.array {}
    for _, notifier in ipairs(names) do
      local delivered, message = outbox.send(notifier, notices.test(name, req.now))
      sent[#sent + 1] = { notifier = notifier, delivered = delivered, message = message }
    end
    return { json = { sent = sent } }
  end,
}
