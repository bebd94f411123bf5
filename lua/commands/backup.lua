--- moonledger backup: a whole copy of the database in a folder, whether a server runs or not.
local sizes = require "lib.sizes"
local work = require "lib.work"

return {
  summary = "Copies the whole database into a folder.",
  description = [[
Copies the database as it is at one moment into FOLDER, which must not be there yet, and checks the
copy; without FOLDER into a new one in storage.backup_folder.  A server may run, and be busy: the
copy is read beside it.  A backup that was stopped leaves FOLDER.unfinished, which is none.
sha256sum -c SHA256SUMS checks a backup later, moonledger restore FOLDER puts it back.]],
  arguments = "[FOLDER]",
  examples = {
    { "moonledger backup /var/backups/monday", "while the server runs" },
  },

  ---@param args Arguments
  run = function(args)
    if #args > 1 then
      return 2, args[2] .. ": one folder at a time"
    elseif not args[1] and require("config").storage.backup_folder == "" then
      return 2,
        "expected a folder: moonledger backup FOLDER, or storage.backup_folder in config.lua"
    end
    local state, why = work.run("backup", { folder = args[1] })
    if not state then
      return nil, why
    end
    print(("%s: %s rows in the file, %s parts, checked, in %s"):format(state.folder,
      work.seen(state, "rows"), work.seen(state, "parts"),
      sizes.seconds(state.ended - state.began)))
    return 0
  end,
}
