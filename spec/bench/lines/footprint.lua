local filled = require "spec.bench.filled"
local helpers = require "spec.helpers"
local machine = require "spec.bench.machine"

local function measure(database)
  local folder = helpers.temporary_folder()
  local found = machine.run({
    "build/first_answer", "build/moonledger", "--config", "config.lua", "--listen", "127.0.0.1:0",
    "--workers", 1,
    "--database", database or folder .. "/empty.db",
  }, 1)
  helpers.remove_folder(folder)
  return found
end

return {
  summary = "from exec to the first answer, and memory when idle",
  subjects = function(options)
    return {
      { name = "empty store", run = function() return measure() end },
      { name = "many rows", run = function() return measure(filled.database(options.rows)) end },
      { name = "limit_http",
        run = function() return machine.run({ "build/first_answer", "build/limit_http" }, 1) end },
    }
  end,
  targets = {
    { metric = "rss_kib", at_most = 6144 },
    { metric = "first_ms", against = "limit_http", at_most = 7 },
    { metric = "first_ms", of = "many rows", against = "limit_http", at_most = 8 },
  },
}
