--- Interrupts a fuzzer once it has settled: 5 minutes of its CPU time brought no edge and no line
--- of Lua that is new, or 20 are over.
---   lua5.4 spec/fuzz/settle.lua PID LOG    LOG: what it writes
local socket = require "socket"

local QUIET, MOST = 300, 1200

local pid, log = arg[1], arg[2]
local pipe = assert(io.popen "getconf CLK_TCK")
local ticks = pipe:read "n"
pipe:close()

--- CPU seconds so far; nil when it has ended.
local function cpu_seconds()
  local file = io.open("/proc/" .. pid .. "/stat")
  local state, fields = (file and file:read "a" or ""):match "%) (%a) (.*)"
  if file then
    file:close()
  end
  if not state or state == "Z" then
    return nil
  end
  local user, system = fields:match "^%S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ (%d+) (%d+)"
  return (user + system) / ticks
end

--- Edges of C and lines of Lua that were reached.
local function reached()
  local most = { ["cov: "] = 0, ["lines of Lua: "] = 0 }
  for line in io.lines(log) do
    for name, count in pairs(most) do
      local found = line:match(name .. "(%d+)")
      most[name] = math.max(count, tonumber(found or 0))
    end
  end
  return most["cov: "] + most["lines of Lua: "]
end

local most, since = 0, 0
while true do
  local now, count = cpu_seconds(), reached()
  if not now then
    return
  end
  if count > most then
    most, since = count, now
  end
  if now - since >= QUIET or now >= MOST then
    print(("%s: %.0f s of CPU time, the last %.0f without anything new; %d edges and lines"):format(
      log, now, now - since, most))
    os.execute("kill -INT " .. pid)
    return
  end
  socket.sleep(1)
end
