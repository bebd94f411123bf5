--- What is measured while a soak goes on: memory of the server, and how long it takes for a request
--- beside the bare server (limit_http), one after the other.
local machine = require "spec.bench.machine"
local socket = require "socket"
local Connection = require "spec.helpers.connection"

local EVERY_SECONDS = 0.5
local PATHS = {
  live = "/health/live", query = "/logs/query?limit=10", analytics = "/logs/analytics?hours=48",
}

---@class Samples
---@field kib number[]
---@field ratios table<string, number[]>  by name of PATHS: how often as long as the bare server
local Samples = {}
Samples.__index = Samples

---@return Samples
function Samples.new()
  return setmetatable({ kib = {}, ratios = {}, next = 0 }, Samples)
end

local function median(list, share)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[math.ceil(#sorted * (share or 0.5))]
end

--- The better of two, as others on the machine only add to it.
local function seconds_for(port, path)
  local connection <close> = Connection.open(port)
  local text = connection.request_text { path = path, host = "127.0.0.1:" .. port }
  local least = math.huge
  for _ = 1, 2 do
    local began = socket.gettime()
    connection:send(text)
    assert(connection:response().status == 200, path)
    least = math.min(least, socket.gettime() - began)
  end
  return least
end

--- Takes one when it is time.
---@param s Server
---@param probe Running
function Samples:take(s, probe)
  if socket.gettime() < self.next then
    return
  end
  self.next = socket.gettime() + EVERY_SECONDS
  self.kib[#self.kib + 1] = machine.rss_kib(s.pid)
  local bare = seconds_for(probe.port, "/")
  for name, path in pairs(PATHS) do
    self.ratios[name] = self.ratios[name] or {}
    table.insert(self.ratios[name], seconds_for(s.port, path) / bare)
  end
end

function Samples:mean_kib()
  local sum = 0
  for _, kib in ipairs(self.kib) do
    sum = sum + kib
  end
  return sum / #self.kib
end

---@return table<string, number>
function Samples:medians()
  local found = {}
  for name, list in pairs(self.ratios) do
    found[name] = median(list)
  end
  return found
end

function Samples:summary()
  local words = { ("%.0f KiB resident"):format(self:mean_kib()) }
  for name, list in pairs(self.ratios) do
    words[#words + 1] = ("%s %.2f (p99 %.2f) of the bare server's"):format(
      name, median(list), median(list, 0.99))
  end
  table.sort(words)
  return table.concat(words, "; ")
end

return Samples
