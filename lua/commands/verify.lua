--- moonledger verify: whether the database is whole, whether a server runs or not.
local sizes = require "lib.sizes"
local upkeep = require "upkeep"
local work = require "lib.work"

local function tell(checks)
  local faults = 0
  for _, check in ipairs(checks) do
    faults = faults + check.faults
    print(("%-8s %d seen, %s"):format(check.name, check.seen, check.faults == 0 and "fine"
      or ("%d wrong: %s"):format(check.faults, check.detail)))
  end
  return faults
end

return {
  summary = "Checks that the database is whole.",
  description = [[
Checks the pages of the file and the sums of its parts, at one moment, beside a server or without
one.  With --full also its indexes, the ids of all rows, and all rollups against the rows that they
were made from.  Nothing is changed; what is wrong is told with its repair.

Exit codes: 0 all is well, 1 it could not be checked, 3 something is wrong.]],
  options = {
    { "full", false, "every row, id and cell" },
  },

  ---@param args Arguments
  run = function(args)
    local state, why = work.run("verify", { full = args.full })
    if not state then
      return nil, why
    end
    local faults = tell(state.checks)
    print(("%s: %s, in %s"):format(upkeep.path(),
      faults == 0 and "fine" or ("%d wrong"):format(faults),
      sizes.seconds(state.ended - state.began)))
    return faults == 0 and 0 or 3
  end,
}
