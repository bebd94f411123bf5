--- moonledger restore: the database of a backup, where there is none.
local sizes = require "lib.sizes"
local upkeep = require "upkeep"
local work = require "lib.work"

return {
  summary = "Puts a backup back.",
  description = [[
Puts the database of the backup in FOLDER where storage.path or --database says, and checks it.  No
file may be there, and no server run.  Parts that are there already stay as they are, those that are
newer than the backup too.]],
  arguments = "FOLDER",
  examples = {
    { "moonledger --database /var/lib/moonledger/copy.db restore /var/backups/monday",
      "beside the one that is served" },
  },

  ---@param args Arguments
  run = function(args)
    if #args > 1 then
      return 2, args[2] .. ": one folder at a time"
    end
    local state, why = work.run("restore", { folder = args[1] })
    if not state then
      return nil, why
    end
    print(("%s: %s rows in the file, %s parts, checked, in %s"):format(upkeep.path(),
      work.seen(state, "rows"), work.seen(state, "parts"),
      sizes.seconds(state.ended - state.began)))
    return 0
  end,
}
