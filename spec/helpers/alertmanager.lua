--- Debian's prometheus-alertmanager, which ./run test unpacks, on a free port.
local Process = require "spec.helpers.process"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"

local alertmanager = {}

local TOOLS = "build/tools/usr"

alertmanager.is_there = os.rename(TOOLS .. "/bin/amtool", TOOLS .. "/bin/amtool") ~= nil

-- It reads a template of /usr/share, where nobody has installed it: in a namespace of its own that
-- is where it was unpacked.
local START = ([[
  mount --bind "$PWD/%s/share" /usr/share
  exec %s/bin/prometheus-alertmanager "$@"]]):format(TOOLS, TOOLS)

local CONFIG = "route: { receiver: nobody }\nreceivers: [ { name: nobody } ]\n"

---@class Alertmanager
---@field host string  127.0.0.1:PORT
local Alertmanager = {}
Alertmanager.__index = Alertmanager

---@return Alertmanager
function alertmanager.start()
  local folder = helpers.temporary_folder()
  helpers.write_file(folder .. "/config.yml", CONFIG)
  local process = Process.start({
    "unshare", "--map-root-user", "--mount", "sh", "-c", START, "sh",
    "--config.file=" .. folder .. "/config.yml", "--storage.path=" .. folder .. "/data",
    "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=",
  }, folder)
  local host = helpers.eventually(function()
    return process:stderr():match 'address=(127%.0%.0%.1:%d+)'
  end)
  return setmetatable({ process = process, folder = folder, host = host }, Alertmanager)
end

--- The alerts that it holds for active.
---@return table[]
function Alertmanager:alerts()
  local pipe = assert(io.popen("curl -sS http://" .. self.host .. "/api/v2/alerts"))
  local text = pipe:read "a"
  pipe:close()
  return json.decode(text)
end

function Alertmanager:stop()
  self.process:kill()
  helpers.remove_folder(self.folder)
end

return alertmanager
