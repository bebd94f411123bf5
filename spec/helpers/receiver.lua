--- A receiver of notifications: a server of ours with a route that keeps what is posted to it and
--- answers as it is told.
local server = require "spec.helpers.server"

local ROUTE = [[
local json = require "json"
local kv = require "kv"

return {
  summary = "Keeps what is posted; answers the status that it was told by PUT.",
  handle = function(req)
    if req.method == "PUT" then
      kv.set("status", tonumber(tostring(req.body)))
      return { status = 204 }
    elseif req.method == "GET" then
      local all = json.array {}
      for i = 1, kv.get "count" or 0 do
        all[i] = json.fragment(kv.get("post" .. i))
      end
      return { json = all }
    end
    local post = { path = req.path, body = tostring(req.body), key = req.headers["idempotency-key"],
      status = kv.get "status" or 200, headers = {} }
    for name, value in pairs(req.headers) do
      post.headers[name] = value
    end
    kv.set("post" .. kv.incr "count", json.encode(post))
    return { status = post.status, body = "as told" }
  end,
}
]]

local receiver = {}

---@class Receiver
---@field server Server
---@field host string  127.0.0.1:PORT
local Receiver = {}
Receiver.__index = Receiver

---@return Receiver
function receiver.start()
  local s = server.start {
    config = [[
      for _, method in ipairs { "GET", "PUT", "POST" } do
        table.insert(config.routes, { method, "/hook/*", "routes.hook" })
      end
    ]],
    files = { ["lua/routes/hook.lua"] = ROUTE },
  }
  return setmetatable({ server = s, host = "127.0.0.1:" .. s.port }, Receiver)
end

--- What was posted to /hook/.., oldest first: path, body, key, headers and the status that it was
--- answered with.
---@return table[]
function Receiver:posts()
  return self.server:get("/hook/all").json()
end

--- The posts that were answered 2xx.
function Receiver:delivered()
  local found = {}
  for _, post in ipairs(self:posts()) do
    if post.status // 100 == 2 then
      found[#found + 1] = post
    end
  end
  return found
end

---@param status integer  of all answers from now on
function Receiver:answer(status)
  local response = self.server:request {
    method = "PUT", path = "/hook/all", body = tostring(status),
  }
  assert(response.status == 204, response.body)
end

function Receiver:stop()
  self.server:stop()
end

return receiver
