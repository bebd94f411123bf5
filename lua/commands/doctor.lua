--- moonledger doctor: what is wrong, and how to repair it.
local agents = require "lib.doctor.agents"
local env = require "env"
local ledger = require "lib.ledger"
local place = require "lib.doctor.place"
local report = require "lib.doctor.report"
local server = require "lib.doctor.server"

local function look_at_server(found, config, url, token)
  local asked = server.find(found, config, url)
  if asked then
    asked.token = token ~= "" and token or nil
    server.tokens(found, config, asked)
    server.state(found, config, asked)
    server.rows(found, asked)
    server.senders(found, asked)
  end
  return asked
end

return {
  summary = "Says what is wrong, and how to repair it.",
  description = [[
Looks at the configuration, at the rights to the database, disk and clock, at the server that
answers, its version, file, scripts, tokens and senders, and at what Claude Code, Codex and Gemini
CLI have been told: by variables of the environment and by their files.  Changes nothing.]],
  options = ledger.options,
  examples = {
    { "moonledger doctor", "as the user, and in the shell, in which the agent runs" },
  },
  exits = { [0] = "nothing is wrong", "something is" },

  ---@param args Arguments
  run = function(args)
    local found = report.new()
    local config = place.configuration(found)
    if not config then
      return 1
    end
    local url = (args.url or env.server()):gsub("/+$", "")
    local asked = look_at_server(found, config, url, args.token)
    place.permissions(found, config, asked ~= nil)
    place.disk(found, config)
    place.clock(found, config)
    agents.look(found, url, asked)
    print(("%d fine, %d to note, %d wrong"):format(found.fines, found.notes, found.wrong))
    return found.wrong == 0 and 0 or 1
  end,
}
