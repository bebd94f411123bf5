--- moonledger verify: whether the database is whole, whether a server runs or not.
local sizes = require "lib.sizes"
local upkeep = require "upkeep"
local work = require "lib.work"

local function words(check)
  if check.faults == 0 then
    return "fine"
  elseif check.repaired then
    return ("%d wrong, repaired: all is made anew, by the next start at the latest"):format(
      check.faults)
  end
  return ("%d wrong: %s"):format(check.faults, check.detail)
end

--- How much is wrong and stays so.
local function tell(checks)
  local wrong = 0
  for _, check in ipairs(checks) do
    wrong = wrong + (check.repaired and 0 or check.faults)
    print(("%-8s %d seen, %s"):format(check.name, check.seen, words(check)))
  end
  return wrong
end

return {
  summary = "Checks that the database is whole.",
  description = [[
Checks the pages of the file and the sums of its parts, at one moment, beside a server or without
one.  With --full also its indexes, the ids of all rows, and all rollups against the rows that they
were made from.  What is wrong is told with its repair.  --repair, without a server, does the same
and has indexes, ids and rollups made anew where they are wrong; nothing else is changed.]],
  options = {
    { "full", false, "every row, id and cell" },
    { "repair", false, "the same, and what can be made anew is" },
  },
  examples = {
    { "moonledger verify --full", "every row, while the server runs" },
  },
  exits = { [0] = "all is well", "it could not be checked", [3] = "something is wrong" },

  ---@param args Arguments
  run = function(args)
    local state, why = work.run("verify", { full = args.full, repair = args.repair })
    if not state then
      return nil, why
    end
    local wrong = tell(state.checks)
    print(("%s: %s, in %s"):format(upkeep.path(),
      wrong == 0 and "fine" or ("%d wrong"):format(wrong),
      sizes.seconds(state.ended - state.began)))
    return wrong == 0 and 0 or 3
  end,
}
