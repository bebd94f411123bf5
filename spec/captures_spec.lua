--- Captures: calls pass through unchanged and are recorded; with the real SDKs, against llm.js.
local Process = require "spec.helpers.process"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local peer = require "spec.helpers.peer"
local server = require "spec.helpers.server"

local FIELDS = "endpoint,provider,model,streaming,status_code,tokens_input,tokens_output,"
  .. "cache_read_tokens,cache_write_tokens,error_type,api_key"

--- What upstream has been asked, in order.
local function asked(upstream)
  local list = {}
  for line in upstream:said():gmatch "{[^\n]+" do
    list[#list + 1] = json.decode(line)
  end
  return list
end

local function rows(s, query)
  return s:get("/logs/entries?limit=1000&fields=" .. FIELDS .. (query or "")).json().entries
end

local function start(upstream, more)
  local url = "http://127.0.0.1:" .. upstream.port
  return server.start {
    config = ([[config.captures = { ["/anthropic"] = "%s", ["/openai"] = "%s", ["/gemini"] = "%s",
      ["/below"] = "%s/v1/", ["/dead"] = "http://127.0.0.1:1" }
      %s]]):format(url, url, url, url, more or ""),
  }
end

local function row(endpoint, provider, model, streaming, status, counts, error_type)
  return {
    endpoint = endpoint, provider = provider, model = model, streaming = streaming,
    status_code = status, tokens_input = counts and counts[1], tokens_output = counts and counts[2],
    cache_read_tokens = counts and counts[3], cache_write_tokens = counts and counts[4],
    error_type = error_type,
  }
end

describe("captures with the SDKs", function()
  local upstream, s, said

  lazy_setup(function()
    upstream = peer.node "spec/helpers/llm.js"
    s = start(upstream)
    local folder = helpers.temporary_folder()
    local client = Process.start({ "node", "spec/clients/sdks.js", s.url }, folder)
    local code = client:wait(60)
    assert(code == 0, client:stderr())
    said = {}
    for line in client:stdout():gmatch "[^\n]+" do
      local step = json.decode(line)
      said[step.step] = step.result
    end
    helpers.remove_folder(folder)
  end)

  lazy_teardown(function()
    s:stop()
    upstream:stop()
  end)

  it("give them what upstream says", function()
    assert.same({
      ["anthropic"] = "hello", ["anthropic tools"] = "moon", ["anthropic stream"] = { "hello", 20 },
      ["anthropic error"] = 529, ["anthropic dies"] = said["anthropic dies"],
      ["anthropic abort"] = "aborted", ["64 streams"] = 64, ["chat"] = "hello",
      ["chat tools"] = "call_1", ["chat stream"] = "hello", ["chat error"] = 429,
      ["responses"] = "hello", ["responses stream"] = "hello", ["gemini"] = "hello",
      ["gemini stream"] = "hello", ["gemini error"] = 503,
    }, said)
    assert.not_equal("it did not fail", said["anthropic dies"])
  end)

  it("tell upstream who calls, and nothing else", function()
    for _, request in ipairs(asked(upstream)) do
      if request.url == "/v1/messages" then
        assert.equal("Bearer sk-ant-secret", request.headers.authorization)
        assert.equal("127.0.0.1:" .. upstream.port, request.headers.host)
        assert.equal("gzip, deflate", request.headers["accept-encoding"])
        assert.is_nil(request.headers["x-forwarded-for"])
      end
    end
  end)

  it("make a record of every call", function()
    helpers.eventually(function() return #rows(s) == 15 + 64 end)
    local found, streams = {}, 0
    for _, each in ipairs(rows(s)) do
      assert.matches("^sha256:%x+$", each.api_key)
      each.api_key = nil
      local key = each.endpoint .. " " .. tostring(each.streaming) .. " " .. each.status_code
      for name, value in pairs(each) do
        if value == json.null or value == "" then
          each[name] = nil
        end
      end
      if key == "messages true 200" then
        streams = streams + 1
      end
      found[key] = each
    end
    local claude = "claude-sonnet-4-5"
    assert.equal(65, streams)
    assert.same({
      ["messages false 200"] =
        row("messages", "anthropic", claude, false, 200, { 100, 20, 40, 8 }),
      ["messages true 200"] =
        row("messages", "anthropic", claude, true, 200, { 100, 20, 40, 8 }),
      ["messages false 529"] =
        row("messages", "anthropic", "error", false, 529, { 0, 0, 0, 0 }, "overloaded_error"),
      ["messages true 499"] =
        row("messages", "anthropic", claude, true, 499, { 100, 1, 40, 8 }, "cancelled"),
      ["messages true 502"] =
        row("messages", "anthropic", claude, true, 502, { 100, 1, 40, 8 }, "upstream_closed"),
      ["chat false 200"] = row("chat", "openai", "gpt-5-mini", false, 200, { 20, 7, 30, 0 }),
      ["chat true 200"] = row("chat", "openai", "gpt-5-mini", true, 200, { 20, 7, 30, 0 }),
      ["chat false 429"] =
        row("chat", "openai", "error", false, 429, { 0, 0, 0, 0 }, "rate_limit_error"),
      ["responses false 200"] = row("responses", "openai", "gpt-5", false, 200, { 40, 9, 20, 0 }),
      ["responses true 200"] = row("responses", "openai", "gpt-5", true, 200, { 40, 9, 20, 0 }),
      ["generate_content false 200"] =
        row("generate_content", "gemini", "gemini-2.5-flash", false, 200, { 60, 16, 10, 0 }),
      ["generate_content true 200"] =
        row("generate_content", "gemini", "gemini-2.5-flash", true, 200, { 60, 16, 10, 0 }),
      ["generate_content false 503"] =
        row("generate_content", "gemini", "error", false, 503, { 0, 0, 0, 0 }, "UNAVAILABLE"),
    }, found)
  end)

  it("know when the first token came, and what it cost", function()
    local entries = s:get("/logs/entries?limit=1000&fields=streaming,status_code,duration_ms,"
      .. "time_to_first_token_ms,cost_usd").json().entries
    for _, each in ipairs(entries) do
      if each.streaming and each.status_code == 200 then
        assert.is_true(each.time_to_first_token_ms > 0
          and each.time_to_first_token_ms <= each.duration_ms)
        assert.is_true(each.cost_usd > 0)
      end
    end
  end)

  it("keep neither keys nor prompts, and count no call as open", function()
    local all = s:get("/logs/export?format=ndjson").body .. s:log()
    assert.is_nil(all:find("secret", 1, true))
    assert.is_truthy(s:get("/metrics").body:find("\nccproxy_active_requests 0\n", 1, true))
  end)

  it("let upstream know that a client has left", function()
    helpers.eventually(function() return upstream:said():find('{"left":true}', 1, true) end)
  end)
end)

describe("captures", function()
  local upstream, s

  lazy_setup(function()
    upstream = peer.node "spec/helpers/llm.js"
    s = start(upstream, [[
      config.tokens = { { token = "let-me-in", scopes = { "ingest" } },
        { token = "may-read", scopes = { "read" } } }
      config.cors = { origins = { "http://localhost:1" } }]])
  end)

  lazy_teardown(function()
    s:stop()
    upstream:stop()
  end)

  local function call(method, path, headers, body)
    local all = { ["x-moonledger-token"] = "let-me-in" }
    for name, value in pairs(headers or {}) do
      all[name] = value
    end
    return s:request { method = method, path = path, headers = all, body = body }
  end

  local function last()
    local list = asked(upstream)
    return list[#list]
  end

  it("pass paths, queries and methods on as they are", function()
    for _, path in ipairs { "/a%2Fb/../c?q=%20+;x#", "//two", "/", "?only=query", "" } do
      path = path:gsub("#", "")
      local response = call("PURGE", "/anthropic" .. path)
      assert.equal(200, response.status)
      local url = path:find "^/" and path or "/" .. path
      assert.same({ "PURGE", url }, { last().method, last().url })
    end
    assert.equal(200, call("OPTIONS", "/anthropic/x").status)
    assert.equal("OPTIONS", last().method)
    assert.equal("", call("HEAD", "/anthropic/x").body)
    assert.equal("HEAD", last().method)
  end)

  local function rows_of(agent)
    local found = {}
    for _, each in ipairs(s:get("/logs/query?limit=1000&fields=*",
        { authorization = "Bearer may-read" }).json().results) do
      if each.user_agent == agent then
        found[#found + 1] = each
      end
    end
    return found
  end

  it("are failures where an answer of 200 breaks off with an error", function()
    local codex = { ["user-agent"] = "codex_exec/1", ["thread-id"] = "t1",
      ["content-type"] = "application/json" }
    for path, body in pairs {
      ["/anthropic/v1/messages"] = { model = "fails", stream = true },
      ["/anthropic/v1/responses"] = { model = "fails", stream = true },
      ["/anthropic/v1beta/models/fails:streamGenerateContent"] = { contents = "x" },
    } do
      assert.equal(200, call("POST", path, codex, json.encode(body)).status)
    end
    helpers.eventually(function() return #rows_of "codex_exec/1" == 3 end)
    local found = {}
    for _, each in ipairs(rows_of "codex_exec/1") do
      found[each.endpoint] = { each.status_code, each.error_type, each.session_client_id }
    end
    assert.same({ messages = { 529, "overloaded_error", "t1" },
      responses = { 503, "server_is_overloaded", "t1" },
      generate_content = { 503, "UNAVAILABLE", "t1" } }, found)
  end)

  it("record what generates, and pass on what only looks", function()
    local agent = { ["user-agent"] = "looks/1" }
    for _, request in ipairs { { "HEAD", "/v1/x" }, { "GET", "/v1/models" },
      { "POST", "/v1/messages/count_tokens" }, { "POST", "/v1beta/models/m:countTokens" },
      { "POST", "/v1/responses/input_tokens" }, { "POST", "/model/m/count-tokens" },
      { "POST", "/v1/embeddings" } } do
      call(request[1], "/anthropic" .. request[2], agent, request[1] == "POST" and "{}" or nil)
    end
    helpers.eventually(function() return #rows_of "looks/1" > 0 end)
    assert.equal("/v1/embeddings", rows_of("looks/1")[1].endpoint)
    assert.equal(1, #rows_of "looks/1")
  end)

  it("stay below the path of their URL", function()
    for _, path in ipairs { "/../below/x", "/a/../../below/x", "/a%2f..%2F../../below/x",
      "/a/..%5c../../below/x", "/a;/..;/%2e%2E/../below/x", "/a//../../below" } do
      assert.equal(404, call("GET", "/below" .. path).status, path)
    end
    for path, url in pairs { ["/a/../b?c=/../.."] = "/v1/a/../b?c=/../..", [""] = "/v1" } do
      assert.equal(200, call("GET", "/below" .. path).status, path)
      assert.equal(url, last().url)
    end
  end)

  it("leave out what is between neighbours, and the token", function()
    call("POST", "/anthropic/x", { connection = "keep-alive, x-mine", ["x-mine"] = "1",
      te = "trailers", ["x-kept"] = "2", ["accept-encoding"] = "br, gzip;q=0.5, zstd" }, "body")
    local headers = last().headers
    headers.connection = nil -- of node's own
    assert.same({ host = "127.0.0.1:" .. upstream.port, ["content-length"] = "4", ["x-kept"] = "2",
      ["accept-encoding"] = "gzip;q=0.5" }, headers)
  end)

  it("add nothing to an answer, and follow no redirect", function()
    local response = call("GET", "/anthropic/moved", { origin = "http://localhost:1" })
    assert.equal(302, response.status)
    local names = {}
    for name in pairs(response.headers) do
      names[#names + 1] = name
    end
    table.sort(names)
    assert.same({ "content-length", "date", "location", "set-cookie", "x-private" }, names)
    assert.is_nil(call("GET", "/anthropic/hop").headers["x-private"])
  end)

  it("stream bodies of any length, with a length and without", function()
    local bytes = ("0123456789"):rep(300000)
    for _, headers in ipairs { { ["content-length"] = tostring(#bytes) },
      { ["transfer-encoding"] = "chunked" } } do
      local connection = s:raw("POST /anthropic/x HTTP/1.1\r\nHost: localhost\r\n"
        .. "X-Moonledger-Token: let-me-in\r\nExpect: 100-continue\r\n"
        .. next(headers) .. ": " .. headers[next(headers)] .. "\r\n\r\n")
      assert.equal("HTTP/1.1 100 Continue", connection:line())
      connection:line()
      if headers["transfer-encoding"] then
        for at = 1, #bytes, 100000 do
          connection:send(("%x\r\n%s\r\n"):format(100000, bytes:sub(at, at + 99999)))
        end
        connection:send "0\r\n\r\n"
      else
        connection:send(bytes)
      end
      local response = assert(connection:response())
      assert.equal(200, response.status)
      assert.is_true(response.body == bytes)
      connection:close()
    end
  end)

  it("pass an answer on that comes before the request is whole, and end there", function()
    for framing, piece in pairs { ["Content-Length: 1000000"] = "hello",
      ["Transfer-Encoding: chunked"] = "5\r\nhello\r\n" } do
      local connection = s:raw("POST /anthropic/early HTTP/1.1\r\nHost: localhost\r\n"
        .. "X-Moonledger-Token: let-me-in\r\n" .. framing .. "\r\n\r\n" .. piece)
      local response = assert(connection:response())
      assert.same({ 413, "too much", "close" },
        { response.status, response.body, response.headers.connection })
      connection:send(piece)
      assert.is_true(connection:is_closed())
      connection:close()
    end
    helpers.eventually(function()
      local found = s:get("/logs/query?status_code=413", { authorization = "Bearer may-read" })
      return found.json().count == 2
    end)
  end)

  it("want a token that may ingest", function()
    assert.equal(401, s:get("/anthropic/x").status)
    assert.equal(403, call("GET", "/anthropic/x", { ["x-moonledger-token"] = "may-read" }).status)
    assert.equal(403, call("GET", "/anthropic/x", { host = "evil.example" }).status)
  end)

  it("are no way for a page in a browser", function()
    local before = #asked(upstream)
    for _, method in ipairs { "GET", "HEAD", "OPTIONS", "POST" } do
      for _, headers in ipairs { { origin = "https://evil.example" }, { origin = "null" },
        { ["sec-fetch-site"] = "cross-site" }, { ["sec-fetch-site"] = "same-site" },
        { ["sec-fetch-site"] = "none", ["sec-fetch-dest"] = "document" },
        { ["sec-fetch-site"] = "same-origin", ["sec-fetch-dest"] = "iframe" },
        { ["sec-fetch-site"] = "same-origin", ["sec-fetch-dest"] = "serviceworker" } } do
        assert.equal(403, call(method, "/anthropic/x", headers).status)
      end
    end
    assert.equal(before, #asked(upstream))
    assert.equal(200, call("GET", "/anthropic/x", { origin = "http://localhost:1",
      ["sec-fetch-site"] = "same-site", ["sec-fetch-dest"] = "empty" }).status)
  end)

  it("answer 502 in words where nobody is", function()
    local response = call("GET", "/dead/v1/messages")
    assert.equal(502, response.status)
    assert.equal("The other side did not answer: 127.0.0.1:1: connection refused",
      response.json().detail)
  end)

  it("refuse a prefix that is written in another way", function()
    assert.equal(404, call("GET", "/%61nthropic/x").status)
  end)
end)

describe("a call that a capture has seen", function()
  local upstream, s

  lazy_setup(function()
    upstream = peer.node "spec/helpers/llm.js"
    s = start(upstream)
  end)
  lazy_teardown(function()
    s:stop()
    upstream:stop()
  end)

  local function attributes(values)
    local list = {}
    for key, value in pairs(values) do
      list[#list + 1] = { key = key, value = { stringValue = tostring(value) } }
    end
    return list
  end

  -- What a client's telemetry tells after its call: os.time() is late by up to a tick of the clock.
  local function export(path, service, list, scoped, one)
    local time_ns = ("%d000000000"):format(os.time() + 2)
    one.timeUnixNano, one.startTimeUnixNano, one.endTimeUnixNano = time_ns, time_ns, time_ns
    one.attributes = attributes(one.attributes)
    local resource = { attributes = attributes { ["service.name"] = service } }
    local scope = { [scoped[2]] = { one } }
    local body = { [list] = { { resource = resource, [scoped[1]] = { scope } } } }
    assert.equal(200, s:post(path, json.encode(body),
      { ["content-type"] = "application/json" }).status)
  end

  local function log(service, name, values)
    export("/v1/logs", service, "resourceLogs", { "scopeLogs", "logRecords" },
      { eventName = name, attributes = values })
  end

  local clients = {
    ["Claude Code"] = {
      path = "/anthropic/v1/messages", agent = "claude-cli/2.1.202 (external, cli)",
      calls = 2,
      tell = function(response)
        log("claude-code", "claude_code.api_request", {
          request_id = response.headers["request-id"], model = "claude-sonnet-4-5",
          input_tokens = 100, output_tokens = 20, cache_read_tokens = 40,
          cache_creation_tokens = 8, duration_ms = 5, ["session.id"] = "s1" })
      end,
    },
    Codex = {
      path = "/openai/v1/responses", agent = "codex_cli_rs/0.98.0 (Debian)", session = "c1",
      calls = 1, -- the next one would have counted more
      tell = function()
        log("codex_cli_rs", "codex.sse_event", { ["event.kind"] = "response.completed",
          ["conversation.id"] = "c1", model = "gpt-5", input_token_count = 60,
          output_token_count = 9, cached_token_count = 20, reasoning_token_count = 4 })
      end,
    },
    ["an SDK"] = {
      path = "/openai/v1/chat/completions", agent = "OpenAI/JS 6.49.0", calls = 2,
      tell = function(response)
        export("/v1/traces", "app", "resourceSpans", { "scopeSpans", "spans" }, {
          traceId = ("ab"):rep(16), spanId = ("cd"):rep(8), name = "chat",
          attributes = { ["gen_ai.operation.name"] = "chat",
            ["gen_ai.request.model"] = "gpt-5-mini", ["gen_ai.response.id"] = response.json().id,
            ["gen_ai.usage.input_tokens"] = 50, ["gen_ai.usage.output_tokens"] = 7 },
        })
      end,
    },
  }

  for name, client in pairs(clients) do
    it("is one row with what its client tells of it: " .. name, function()
      assert.equal(200, s:post("/logs/reset").status)
      for n = 1, client.calls do
        local response = s:post(client.path, '{"model":"m"}',
          { ["user-agent"] = client.agent, session_id = client.session })
        assert.equal(200, response.status)
        helpers.eventually(function() return #rows(s) == n end)
        client.tell(response)
        local entries = s:get("/logs/entries?fields=service_type,tokens_output").json().entries
        assert.equal(n, #entries)
        assert.not_equal("capture", entries[1].service_type)
        assert.is_true(entries[1].tokens_output > 0)
      end
    end)
  end
end)

describe("captures without a store", function()
  it("pass on all the same", function()
    local upstream <close> = peer.node "spec/helpers/llm.js"
    local s <close> = start(upstream, 'config.storage.backend = "none"')
    local response = s:post("/anthropic/v1/messages", '{"model":"m"}')
    assert.equal(200, response.status)
    assert.equal("hello", response.json().content[1].text)
    s:stop()
  end)
end)
