--- moonledger health: whether the server is well, as an exit code.
local client = require "client"
local env = require "env"
local json = require "json"

return {
  summary = "Whether the server is well: exit code 0 or 1.",
  description = "Asks GET /health of the running server, and says what is wrong.",
  options = {
    { "url", "URL", "of the server: http://HOST:PORT (that of the config)" },
    { "quiet", false, "says nothing where all is well" },
  },
  examples = {
    { "moonledger health --quiet || moonledger doctor", "what is wrong, where something is" },
  },
  exits = { [0] = "the server is well", "it is not, or there is none" },

  ---@param args Arguments
  run = function(args)
    local url = args.url or env.server()
    local connection, why = client.open(url, { timeout = 10 })
    local response
    if connection then
      response, why = connection:get "/health"
    end
    if not response then
      return nil, why
    end
    local said = json.decode(response.body)
    said = type(said) == "table" and said or {}
    if response.status == 200 and said.status ~= "warn" then
      if not args.quiet then
        print(("%s: %s, version %s"):format(url, said.status or "pass", said.version or "?"))
      end
      return 0
    end
    return nil, ("%s: %s"):format(url,
      said.output or said.detail or ("answered %d"):format(response.status))
  end,
}
