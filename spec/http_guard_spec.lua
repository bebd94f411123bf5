--- What never reaches a handler: foreign names, foreign pages, wrong tokens.
local helpers = require "spec.helpers"
local http = require "spec.helpers.http"

local function status(s, path, headers, method)
  return s:request({ method = method, path = path, headers = headers, body = method == "POST" and ""
    or nil }).status
end

describe("Host", function()
  local s
  lazy_setup(function() s = http.start { config = 'config.hosts = { "stats.example" }' } end)
  lazy_teardown(function() s:stop() end)

  it("is loopback or listed", function()
    for _, host in ipairs { "localhost", "LOCALHOST:1", "127.0.0.1", "127.1.2.3:80", "[::1]:80",
      "a.localhost",
                            "stats.example", "Stats.Example:8080" } do
      assert.same(200, status(s, "/t/show", { host = host }), host)
    end
  end)

  it("is 403 otherwise, on every path", function()
    for _, host in ipairs { "evil.example", "127.example.com", "127.0.0.1.evil.example",
      "localhost.evil.example",
                            "10.0.0.1", "[::2]", "0.0.0.0", "2130706433" } do
      for _, path in ipairs { "/t/show", "/health", "/metrics", "/dashboard", "/nowhere" } do
        assert.same(403, status(s, path, { host = host }), host .. path)
      end
    end
  end)
end)

describe("a page of another origin", function()
  local s
  lazy_setup(function()
    s = http.start { config = 'config.cors = { origins = { "https://dash.example" } }' }
  end)
  lazy_teardown(function() s:stop() end)

  it("may not change anything", function()
    local here = "http://127.0.0.1:" .. s.port
    local cases = {
      { nil, nil, 200 }, { here, nil, 200 }, { here, "same-origin", 200 }, { nil, "none", 200 },
      { "http://evil.example", nil, 403 }, { "http://evil.example", "cross-site", 403 },
      { "http://localhost:1", nil, 403 }, { nil, "same-site", 403 }, { "null", nil, 403 },
      { "https://dash.example", "cross-site", 200 },
    }
    for _, case in ipairs(cases) do
      local headers = { origin = case[1], ["sec-fetch-site"] = case[2] }
      assert.same(case[3], status(s, "/logs/reset", headers, "POST"),
        tostring(case[1]) .. tostring(case[2]))
    end
  end)

  it("may read only where config.lua allows it, or on this machine", function()
    local function allowed(origin)
      return s:get("/t/show", { origin = origin }).headers["access-control-allow-origin"]
    end
    for _, origin in ipairs { "https://dash.example", "http://localhost:3000", "http://127.0.0.1:1",
        "http://[::1]" } do
      assert.same(origin, allowed(origin))
    end
    for _, origin in ipairs { "http://evil.example", "https://dash.example.evil.example", "null",
                              "http://localhost.evil.example" } do
      assert.is_nil(allowed(origin))
    end
    assert.is_nil(s:get("/t/show").headers["access-control-allow-origin"])
    assert.matches("Origin", s:get("/t/show").headers.vary)
  end)

  it("learns by a preflight what it may send", function()
    local headers = s:request({
      method = "OPTIONS", path = "/t/echo",
      headers = { origin = "https://dash.example", ["access-control-request-method"] = "POST" },
    }).headers
    assert.same({
      "https://dash.example",
      "Cache-Control, Last-Event-ID, Authorization, Content-Type, Content-Encoding",
      "POST, OPTIONS",
    }, {
      headers["access-control-allow-origin"], headers["access-control-allow-headers"],
      headers["access-control-allow-methods"],
    })
    headers = s:request({
      method = "OPTIONS", path = "//v1/traces/",
      headers = { origin = "https://dash.example", ["access-control-request-method"] = "POST",
        ["access-control-request-headers"] = "content-type,x-tenant" },
    }).headers
    assert.same({ "content-type,x-tenant", "POST, PUT, OPTIONS" },
      { headers["access-control-allow-headers"], headers["access-control-allow-methods"] })
  end)

  it('may do everything with cors.origins = {"*"}', function()
    local open = http.start { config = 'config.cors = { origins = { "*" } }' }
    local response = open:post("/t/echo", "x",
      { origin = "http://evil.example", ["sec-fetch-site"] = "cross-site" })
    assert.same({ 200, "http://evil.example" },
      { response.status, response.headers["access-control-allow-origin"] })
    open:stop()
  end)
end)

describe("tokens", function()
  local s
  lazy_setup(function()
    s = http.start {
      env = { MOONLEDGER_READ_TOKEN = "reader", MOONLEDGER_INGEST_TOKEN = "writer",
        MOONLEDGER_ADMIN_TOKEN = "boss" },
    }
  end)
  lazy_teardown(function() s:stop() end)

  local CASES = { -- path, method, status without a token, as reader, as writer, as boss
    { "/health", "GET", 200, 200, 200, 200 },
    { "/dashboard", "GET", 200, 200, 200, 200 },
    { "/logs/query", "GET", 401, 200, 403, 200 },
    { "/logs/status", "GET", 401, 200, 403, 200 },
    { "/metrics", "GET", 401, 200, 403, 200 },
    { "/logs/query", "HEAD", 401, 200, 403, 200 },
    { "/logs/query", "OPTIONS", 204, 204, 204, 204 },
    { "/t/echo", "POST", 401, 403, 200, 200 },
    { "/logs/reset", "POST", 401, 403, 403, 200 },
    { "/nowhere", "GET", 404, 404, 404, 404 },
  }
  for _, case in ipairs(CASES) do
    it("decide over " .. case[2] .. " " .. case[1], function()
      local found = {}
      for i, token in ipairs { false, "reader", "writer", "boss" } do
        found[i] = status(s, case[1], token and { authorization = "Bearer " .. token }, case[2])
      end
      assert.same({ table.unpack(case, 3) }, found)
    end)
  end

  it("are compared whole", function()
    for _, header in ipairs { "Bearer", "Bearer ", "Bearer reade", "Bearer readerr",
      "Bearer reader reader",
                              "Basic reader", "reader" } do
      local response = s:get("/logs/status", { authorization = header })
      assert.same(401, response.status, header)
      assert.matches("^Bearer", response.headers["www-authenticate"])
      assert.same("authentication_error", response.json().error.type)
    end
    assert.same(200, status(s, "/logs/status", { authorization = "bearer reader" }))
  end)
end)

describe("a token that config.lua no longer has #loops", function()
  it("ends the streams that it has opened, and no others", function()
    local s = http.start { config = [[config.tokens = {
      { token = "that goes", scopes = { "read" } }, { token = "that loses", scopes = { "read" } },
      { token = "that stays", scopes = { "read", "ingest" } } }]] }
    local streams = {}
    for _, token in ipairs { "goes", "loses", "stays" } do
      streams[token] = s:stream("/logs/stream", { authorization = "Bearer that " .. token })
      assert.equal("connection", streams[token]:event().json.type)
    end
    local path = s.root .. "/config.lua"
    helpers.write_file(path, (helpers.read_file(path):gsub("return config\n$",
      'table.remove(config.tokens, 1)\nconfig.tokens[1].scopes = { "ingest" }\n%0')))
    for _, token in ipairs { "goes", "loses" } do
      assert.same({ nil, "closed" }, { streams[token]:event() })
      local again = s:stream("/logs/stream", { authorization = "Bearer that " .. token })
      assert.equal(token == "goes" and 401 or 403, again.status)
      again:close()
    end
    assert.equal(200, s:post("/logs/ingest", '{"request_id":"a"}', {
      authorization = "Bearer that stays", ["content-type"] = "application/json" }).status)
    assert.equal("a", streams.stays:event().json.data.request_id)
    streams.stays:close()
    s:stop()
  end)
end)
