--- Other sides for what goes out: processes of their own, which say their port first.
local Process = require "spec.helpers.process"
local helpers = require "spec.helpers"

---@class Peer
---@field port integer
---@field process Process
local Peer = {}
Peer.__index = Peer

local peer = {}

--- Starts a node script and waits for its line "port N".
---@param script string
---@return Peer
function peer.node(script)
  local folder = helpers.temporary_folder()
  local p = setmetatable({ folder = folder }, Peer)
  p.process = Process.start({ "node", script }, folder)
  p.port = helpers.eventually(function()
    assert(not p.process:has_ended(), p.process:stderr())
    return tonumber(p.process:stdout():match "port (%d+)\n")
  end)
  return p
end

--- What it has said so far.
function Peer:said()
  return self.process:stdout()
end

function Peer:stop()
  if self.process then
    self.process:kill()
    helpers.remove_folder(self.folder)
    self.process = nil
  end
end

Peer.__close = Peer.stop
Peer.__gc = Peer.stop

--- A server of ours with POST /lua, which runs its body and answers what that returns.
---@param options ServerOptions
function peer.caller(options)
  options.config = 'table.insert(config.routes, { "POST", "/lua", "routes.lua" })\n'
    .. (options.config or "")
  options.files = options.files or {}
  options.files["lua/routes/lua.lua"] = [[
    local http, json = require "http", require "json"
    return { summary = "Runs Lua.", handle = function(req)
      local run = assert(load(tostring(req.body), "spec", "t",
        setmetatable({ http = http, json = json }, { __index = _G })))
      return { json = json.array { run() } }
    end }]]
  return require("spec.helpers.server").start(options)
end

--- What the code returns, in the server; a nil reads false.
function peer.run(s, code, ...)
  local response = s:post("/lua", code:format(...))
  assert(response.status == 200, response.status .. " " .. response.body)
  return table.unpack(response.json())
end

return peer
