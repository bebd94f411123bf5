--- /openapi.json against a validator from npm and against the routes themselves,
--- and /docs, which shows it.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local has_validator =
  helpers.read_file "spec/node_modules/@seriousme/openapi-schema-validator/package.json" ~= nil

-- What a validator says about this text; the empty string when it is valid.
local function complaints(folder, text)
  helpers.write_file(folder .. "/openapi.json", text)
  local pipe =
    assert(io.popen(("node spec/clients/openapi.js %s/openapi.json 2>&1"):format(folder)))
  local said = pipe:read "a"
  pipe:close()
  return said
end

describe("/openapi.json", function()
  local s, text, document

  lazy_setup(function()
    s = server.start { config = "config.features.reload_enabled = true" }
    local answer = s:get "/openapi.json"
    text, document = answer.body, answer.json()
  end)

  lazy_teardown(function()
    s:stop()
  end)

  it("is valid OpenAPI 3.1 to a validator from npm, which refuses what is not", function()
    if not has_validator then
      return pending "npm ci --prefix spec has not run"
    end
    local folder <close> = helpers.folder()
    assert.equal("", complaints(folder.path, text))
    assert.not_equal("", complaints(folder.path, (text:gsub('"in":"query"', '"in":"body"'))))
  end)

  it("names every route of config.lua with a summary, an answer and an error", function()
    for _, entry in ipairs(assert(loadfile "config.lua")().routes) do
      local path = entry[2]:gsub("%*$", "{file}")
      local operation = assert(document.paths[path], path)[entry[1]:lower()]
      assert.truthy(operation.summary, path)
      assert.truthy(operation.responses["200"] or operation.responses["204"], path)
      assert.truthy(operation.responses.default, path)
    end
  end)

  it("names each operation once", function()
    local seen = {}
    for path, methods in pairs(document.paths) do
      for _, operation in pairs(methods) do
        assert.is_nil(seen[operation.operationId], path)
        seen[operation.operationId] = path
      end
    end
  end)

  it("has the parameters of the path and of the query", function()
    for path, methods in pairs(document.paths) do
      for name in path:gmatch "{([^}]+)}" do
        for _, operation in pairs(methods) do
          local parameter = operation.parameters[1]
          assert.same({ name, "path", true },
            { parameter.name, parameter["in"], parameter.required })
        end
      end
    end
    local verdict = document.paths["/examples/feedback"].post.parameters[2]
    assert.same({ type = "string", default = "good", enum = { "good", "bad" } }, verdict.schema)
  end)

  it("says what bodies a route takes, and what it answers", function()
    local bodies = {
      ["/logs/ingest"] = { "application/json", "application/x-ndjson" },
      ["/v1/traces"] = { "application/json", "application/x-protobuf" },
      ["/ingest/litellm"] = { "application/json", "application/x-ndjson" },
    }
    for path, types in pairs(bodies) do
      local body = document.paths[path].post.requestBody
      assert.is_true(body.required)
      for _, type in ipairs(types) do
        assert.truthy(body.content[type], path)
      end
    end
    assert.is_nil(document.paths["/logs/query"].get.requestBody)
    assert.truthy(document.paths["/logs/stream"].get.responses["200"].content["text/event-stream"])
    assert.truthy(document.paths["/examples/feedback"].post.responses["204"])
  end)

  it("asks for a bearer token where one may be needed, and only there", function()
    assert.same({ type = "http", scheme = "bearer" }, document.components.securitySchemes.token)
    assert.truthy(document.paths["/logs/query"].get.security)
    assert.truthy(document.paths["/logs/query"].get.responses["401"])
    assert.is_nil(document.paths["/health"].get.security)
  end)
end)

describe("/docs", function()
  local s
  lazy_setup(function() s = server.start() end)
  lazy_teardown(function() s:stop() end)

  it("is a page that may load nothing from elsewhere", function()
    local page = s:get "/docs"
    assert.equal(200, page.status)
    assert.equal("text/html; charset=utf-8", page.headers["content-type"])
    assert.truthy(page.headers["content-security-policy"]:find("default-src 'none'", 1, true))
    assert.is_nil(page.body:find("https?://"))
  end)

  it("has every file that it names", function()
    local named = 0
    for attribute in s:get("/docs").body:gmatch '[hs]re?[fc]="(/[^"]+)"' do
      named = named + (attribute:find "^/docs/" and 1 or 0)
      assert.equal(200, s:get(attribute).status, attribute)
    end
    assert.equal(2, named)
  end)

  it("imports nothing that is not there", function()
    for module in s:get("/docs/docs.js").body:gmatch 'from "([^"]+)"' do
      assert.equal(200, s:get(module).status, module)
    end
  end)
end)
