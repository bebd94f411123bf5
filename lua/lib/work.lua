--- Runs long work on the database for a command, with a line of progress.
local sizes = require "lib.sizes"
local term = require "term"
local upkeep = require "upkeep"

local work = {}

local function text(state)
  if state.total == 0 then
    return state.step
  end
  return ("%s  %3d%%  of %s"):format(state.step, math.min(100, 100 * state.done // state.total),
    sizes.bytes(state.total))
end

--- Waits for its end.
---@param what string  as upkeep.start has it
---@param options table?
---@return UpkeepState?  nil where it failed
---@return string? message
function work.run(what, options)
  local started, why = upkeep.start(what, options)
  if not started then
    return nil, why
  end
  local state = upkeep.state()
  while state.running do
    term.progress(text(state))
    sleep(50)
    state = upkeep.state()
  end
  term.progress()
  if state.error then
    return nil, state.error
  end
  return state
end

--- How much a check of work that has ended has seen.
---@param state UpkeepState
---@param name string
---@return integer?
function work.seen(state, name)
  for _, check in ipairs(state.checks) do
    if check.name == name then
      return check.seen
    end
  end
end

return work
