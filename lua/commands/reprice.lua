--- moonledger reprice: has the server compute stored costs anew, page by page (routes.reprice).
local client = require "client"
local env = require "env"
local json = require "json"
local progress = require "lib.progress"

local function reprice(connection, url)
  local seen, changed, bar = 0, 0, progress.start(0)
  local target = "/-/reprice"
  repeat
    local response, why = connection:post(target)
    if not response then
      return nil, why
    elseif response.status ~= 200 then
      return nil, ("%s: refused: %s"):format(url, response.body:sub(1, 300))
    end
    local page = json.decode(response.body)
    seen, changed = seen + page.seen, changed + page.changed
    bar.total = page.total
    bar:update(seen, seen)
    target = page.next_cursor and "/-/reprice?cursor=" .. page.next_cursor
  until not target
  local seconds = bar:finish()
  print(("%s: %d rows seen in %.1f s, %d with a new cost"):format(url, seen, seconds, changed))
  return 0
end

return {
  summary = "Has stored costs computed anew.",
  description = [[
Has the running server compute the costs of stored rows anew, from the prices in force.
Costs that a sender reported stay as they are.]],
  options = {
    { "url", "URL", "of the server: http://HOST:PORT (that of the config)" },
    { "token", "TOKEN", "with scope admin", env = "MOONLEDGER_ADMIN_TOKEN" },
  },
  examples = {
    { "moonledger reprice", "after a price in config.lua has changed" },
  },

  ---@param args Arguments
  run = function(args)
    local url = args.url or env.server()
    local connection, why = client.open(url, { token = args.token })
    if not connection then
      return nil, why
    end
    return reprice(connection, url)
  end,
}
