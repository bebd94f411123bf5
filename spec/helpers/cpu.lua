--- The CPU time that a server takes for requests, and whether it grows as they do.
local helpers = require "spec.helpers"

local cpu = {}

local files = {}

--- The threads that a server has now are those that count from now on.
---@param pid integer
function cpu.watch(pid)
  files[pid] = {}
  local pipe = assert(io.popen(("ls -d /proc/%d/task/*"):format(pid)))
  for folder in pipe:lines() do
    table.insert(files[pid], folder .. "/schedstat")
  end
  pipe:close()
end

--- CPU seconds of those threads so far.
---@param pid integer
---@return number
function cpu.seconds(pid)
  local sum = 0
  for _, path in ipairs(files[pid]) do
    sum = sum + tonumber(helpers.read_file(path):match "^%d+") / 1e9
  end
  return sum
end

--- What asking costs: the least of some tries, as others on the machine only add to it.
---@param s Server
---@param ask fun()
---@param tries integer
function cpu.cost(s, ask, tries)
  local least = math.huge
  for _ = 1, tries do
    local before = cpu.seconds(s.pid)
    ask()
    least = math.min(least, cpu.seconds(s.pid) - before)
  end
  return least
end

-- Times as much for four times as much: 4 when it is linear, 16 when it is quadratic.
local BAR = 8

--- Whether ask(4 * n) costs a multiple of ask(n) that nothing linear reaches.  What
--- costs no more than a few of the smallest requests is too little to tell.
---@param s Server
---@param ask fun(n: integer)
---@param n integer
---@param smallest number  cpu.cost of such a request
---@return number?  the ratio, when it is over the bar
function cpu.grows_faster(s, ask, n, smallest)
  local large = cpu.cost(s, function() ask(4 * n) end, 1)
  if large < 30 * smallest then
    return nil
  end
  for tries = 1, 4 do
    local small = cpu.cost(s, function() ask(n) end, tries)
    large = math.min(large, cpu.cost(s, function() ask(4 * n) end, tries))
    if large < math.max(BAR * small, 30 * smallest) then
      return nil
    end
    if tries == 4 then
      return large / small
    end
  end
end

return cpu
