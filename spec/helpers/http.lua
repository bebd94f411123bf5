--- A server with a few routes of its own, and requests as raw bytes, for the specs of HTTP.
local server = require "spec.helpers.server"

local http = {}

local ROUTES = [[
table.insert(config.routes, { "GET", "/t/show", "routes.t_show" })
table.insert(config.routes, { "GET", "/t/show/{a}/and/{b}", "routes.t_show" })
table.insert(config.routes, { "POST", "/t/echo", "routes.t_echo" })
table.insert(config.routes, { "POST", "/t/small", "routes.t_small" })
table.insert(config.routes, { "GET", "/t/slow", "routes.t_slow" })
table.insert(config.routes, { "GET", "/t/big", "routes.t_big" })
table.insert(config.routes, { "GET", "/t/pieces", "routes.t_pieces" })
table.insert(config.routes, { "GET", "/t/headers", "routes.t_headers" })
table.insert(config.routes, { "GET", "/t/file/*", "routes.t_file" })
]]

local FILES = {
  ["lua/routes/t_show.lua"] = [[
    return { summary = "What arrived.", scope = "open", handle = function(req)
      local params = {}
      for name, value in pairs(req.params) do
        params[#params + 1] = name .. "=" .. value
      end
      table.sort(params)
      return { json = { method = req.method, path = req.path, query = req.query,
        params = table.concat(params, " "), id = req.id, remote = req.remote,
        body = tostring(req.body) } }
    end }]],
  ["lua/routes/t_echo.lua"] = [[
    return { summary = "The body.", scope = "ingest", handle = function(req)
      return { headers = { ["content-type"] = "text/plain" }, body = tostring(req.body) }
    end }]],
  ["lua/routes/t_small.lua"] = [[
    return { summary = "A small body.", scope = "ingest", max_body = 1000, handle = function(req)
      return { body = tostring(req.body) }
    end }]],
  ["lua/routes/t_slow.lua"] = [[
    return { summary = "Takes a while.", scope = "open", handle = function()
      sleep(100)
      return { body = "slow" }
    end }]],
  ["lua/routes/t_big.lua"] = [[
    local params = require "lib.params"
    return { summary = "Many bytes.", scope = "open",
      params = { n = params.integer { default = 100000, ge = 0 } },
      handle = function(req)
        return { headers = { ["content-type"] = "text/plain" },
          body = ("0123456789"):rep(req.params.n // 10) }
      end }]],
  ["lua/routes/t_pieces.lua"] = [[
    local params = require "lib.params"
    return { summary = "Piece by piece.", scope = "open",
      params = {
        n = params.integer { default = 50, ge = 0 },
        bytes = params.integer { default = 10000, ge = 0 }, every_other = params.integer {},
      },
      handle = function(req)
        local p = req.params
        return { stream = function(write)
          for i = 1, p.n do
            write(("x"):rep(i % 2 == 0 and p.every_other or p.bytes))
          end
        end }
      end }]],
  ["lua/routes/t_headers.lua"] = [[
    local params = require "lib.params"
    return { summary = "A header of the client's choice.", scope = "open",
      params = {
        name = params.string { default = "x-test" }, value = params.string { default = "" },
      },
      handle = function(req)
        return { headers = { [req.params.name] = req.params.value }, body = "" }
      end }]],
  ["lua/routes/t_file.lua"] = [[
    return { summary = "A file.", scope = "open", handle = function(req)
      return { file = req.params["*"] }
    end }]],
}

--- As server.start, with the routes above; files and config add to them.
---@param options? ServerOptions
function http.start(options)
  local all = { config = ROUTES .. (options and options.config or ""), files = {} }
  for _, files in ipairs { FILES, options and options.files or {} } do
    for path, text in pairs(files) do
      all.files[path] = text
    end
  end
  for name, value in pairs(options or {}) do
    all[name] = all[name] or value
  end
  return server.start(all)
end

--- The bytes of a request with a valid Host.
---@param line string      "GET / HTTP/1.1"
---@param headers? string  lines, each ended by CRLF
---@param body? string
function http.bytes(line, headers, body)
  return line .. "\r\nHost: localhost\r\n" .. (headers or "") .. "\r\n" .. (body or "")
end

--- Sends bytes and reads count final responses.
---@return Response[]
function http.exchange(s, bytes, count)
  local connection <close> = s:raw(bytes)
  local responses = {}
  for i = 1, count or 1 do
    responses[i] = assert(connection:response())
  end
  return responses
end

--- Sends bytes that end the connection: the response, and whether the server closed after it.
---@return Response, boolean
function http.last_exchange(s, bytes)
  local connection <close> = s:raw(bytes)
  local response = assert(connection:response())
  return response, connection:is_closed()
end

return http
