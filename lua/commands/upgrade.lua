--- moonledger upgrade: brings an older database file up to what newer ones have.
local sizes = require "lib.sizes"
local upkeep = require "upkeep"
local work = require "lib.work"

local function tell(cost)
  print(("%s: %s; it is written anew, which needs %s of disk beside it (%s are free) and takes "
    .. "about %s."):format(cost.path, sizes.bytes(cost.file_bytes), sizes.bytes(cost.disk_bytes),
    sizes.bytes(cost.free_bytes), sizes.seconds(cost.seconds)))
end

return {
  summary = "Brings an older database file up to what newer ones have.",
  description = [[
A file of an older Moonledger opens and serves, but keeps the space of what is deleted.  This tells
what writing it anew takes, and with --now does it.  The server must be stopped; until the last
moment the old file is whole.]],
  options = {
    { "now", false, "do it" },
  },
  examples = {
    { "moonledger upgrade", "what it would take" },
  },

  ---@param args Arguments
  run = function(args)
    local cost, why = upkeep.upgrade_cost()
    if not cost then
      return nil, why
    elseif not cost.needed then
      print(cost.path .. ": nothing to do")
      return 0
    end
    tell(cost)
    if not args.now then
      print "Stop the server and run: moonledger upgrade --now"
      return 0
    end
    local state, fault = work.run("upgrade")
    if not state then
      return nil, fault
    end
    print(("%s: upgraded in %s"):format(cost.path, sizes.seconds(state.ended - state.began)))
    return 0
  end,
}
