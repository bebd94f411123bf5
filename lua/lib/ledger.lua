--- What commands ask: the running server over HTTP, or, where none runs, its file, which is read by
--- the same routes in the command's own process and never written.
local client = require "client"
local env = require "env"
local json = require "json"

---@class Ledger
---@field name string  the server's address, or the file
---@field connection Client?  absent where the file is read
local Ledger = {}
Ledger.__index = Ledger

local ledger = {}

--- Options of every command that asks.
ledger.options = {
  { "url", "URL", "of the server: http://HOST:PORT (that of the config)" },
  { "token", "TOKEN", "with scope read", env = "MOONLEDGER_READ_TOKEN" },
}

local function encode(text)
  return (tostring(text):gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

--- The query string of names and values, in the order of the names; false and nil are left out.
---@param query table<string, any>
---@return string
function ledger.query(query)
  local names = {}
  for name, value in pairs(query) do
    names[#names + 1] = value ~= false and name or nil
  end
  table.sort(names)
  for i, name in ipairs(names) do
    names[i] = name .. "=" .. encode(query[name])
  end
  return table.concat(names, "&")
end

--- A server that answers at url or at the address of config.lua; else the file.
---@param args Arguments  with url and token
---@return Ledger?
---@return string? message
function ledger.open(args)
  local url = args.url or env.server()
  local connection, why = client.open(url, { token = args.token })
  local response, silence = nil, why
  if connection then
    response, silence = connection:get "/health/live"
  end
  if response then
    return setmetatable({ name = url, connection = connection }, Ledger)
  elseif args.url then
    return nil, silence
  end
  local config = require "config"
  if not require("file").stat(config.storage.path) then
    return nil, ("%s, and there is no %s: start the server, or name it by --url"):format(silence,
      config.storage.path)
  end
  return setmetatable({ name = config.storage.path }, Ledger)
end

local function refusal(status, body)
  local said = json.decode(body)
  local detail = type(said) == "table" and said.detail
  if type(detail) == "table" and detail[1] then
    local fault = detail[1]
    return ("%s: %s"):format(fault.loc and fault.loc[#fault.loc] or "parameter", fault.msg)
  elseif status == 401 or status == 403 then
    return ("%s: --token or $MOONLEDGER_READ_TOKEN takes one with scope read"):format(
      detail or "refused")
  end
  return ("%s (%d)"):format(detail or body:sub(1, 300), status)
end

local function code_of(status)
  return status == 422 and 2 or nil
end

local function module_of(path)
  for _, entry in ipairs(require("config").routes) do
    if entry[1] == "GET" and entry[2] == path then
      return entry[3]
    end
  end
end

-- The response of the route of that path, as a server of this config would make it.
local function answer_here(path, query)
  local module = module_of(path)
  if not module then
    return { status = 404, detail = "config.lua has no route GET " .. path }
  end
  local entry = { method = "GET", path = path, module = module }
  local handle = require("lib.route").compile(require(module), entry)
  return handle { method = "GET", path = path, query = query, params = {}, headers = {},
    now = env.now(), id = "", remote = "" }
end

-- A route that needs more than rows raises: it is for a server alone.
local function ask_file(path, query)
  local fine, response = pcall(answer_here, path, query)
  if not fine then
    return nil, tostring(response)
  end
  local status = response.status or 200
  if status ~= 200 then
    local body = response.json or { detail = response.detail }
    return nil, refusal(status, json.encode(body)), code_of(status)
  end
  return json.decode(json.encode(response.json))
end

--- What GET path answers as JSON; nil and why not, and 2, the exit code, where query was wrong.
---@param path string
---@param query table<string, any>
---@return table?
---@return string? message
---@return integer? code
function Ledger:get(path, query)
  local text = ledger.query(query)
  if not self.connection then
    return ask_file(path, text)
  end
  local response, why = self.connection:get(text ~= "" and path .. "?" .. text or path)
  if not response then
    return nil, why
  elseif response.status ~= 200 then
    return nil, ("%s: %s"):format(self.name, refusal(response.status, response.body)),
      code_of(response.status)
  end
  return json.decode(response.body)
end

--- The names of parameters that GET path takes.
---@param path string
---@return table<string, true>?
---@return string? message
function Ledger:parameters(path)
  local names = {}
  if not self.connection then
    local module = module_of(path)
    for name in pairs(module and require(module).params or {}) do
      names[name] = true
    end
    return names
  end
  local api, why = self:get("/openapi.json", {})
  local operation = api and api.paths[path] and api.paths[path].get
  if not operation then
    return nil, why or ("%s has no route GET %s"):format(self.name, path)
  end
  for _, parameter in ipairs(operation.parameters or {}) do
    names[parameter.name] = true
  end
  return names
end

--- Words such as model=gpt-4o as a query of GET path; nil and why not, and 2, the exit code, when
--- one is no filter there.
---@param path string
---@param words string[]
---@return table<string, string>?
---@return string? message
---@return integer? code
function Ledger:filters(path, words)
  local query, known = {}, nil
  for _, word in ipairs(words) do
    local name, value = word:match "^([^=]+)=(.*)$"
    if not name then
      return nil, word .. ": expected NAME=VALUE, such as model=gpt-4o", 2
    end
    local why
    if not known then
      known, why = self:parameters(path)
    end
    if not known then
      return nil, why
    elseif not known[name] then
      return nil, ("%s: no filter of %s"):format(name, path), 2
    end
    query[name] = value
  end
  return query
end

return ledger
