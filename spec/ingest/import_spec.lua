local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local wires = {
  "claude-transcript-2.1.202.jsonl", "litellm-1.77-array.json", "nginx-1.26.ndjson",
  "caddy-2.10.ndjson", "ccproxy-0.2.9.ndjson",
}

local function paths(folder)
  local list = {}
  for i, name in ipairs(wires) do
    list[i] = (folder or "spec/wire") .. "/" .. name
  end
  return list
end

-- new, known already, rejected
local function counts(result)
  local n, known, rejected = result.stdout:match "(%d+) new, (%d+) known already, (%d+) rejected"
  return { tonumber(n), tonumber(known), tonumber(rejected) }
end

describe("moonledger import", function()
  local folder, database

  before_each(function()
    folder = helpers.temporary_folder()
    database = folder .. "/import.db"
  end)
  after_each(function()
    helpers.remove_folder(folder)
  end)

  local function import(...)
    return server.run { "--database", database, "import", ... }
  end

  local function rows(s)
    local found = {}
    for _, row in ipairs(s:get("/logs/query?limit=10000").json().results) do
      found[row.request_id] = row
    end
    return found
  end

  it("writes straight into the file when no server runs, and adds nothing the second time",
      function()
    local result = import(table.unpack(paths()))
    assert.equal(0, result.code)
    assert.same({ 11, 1, 1 }, counts(result))
    assert.same({ 0, 12, 1 }, counts(import(table.unpack(paths()))))
    local s = server.start { database = database }
    local stored = rows(s)
    assert.equal(0.0408561, stored["msg_01X"].cost_usd)
    assert.equal(0.0363561, stored["chatcmpl-9f1"].cost_usd)
    local summary = s:get("/logs/analytics?start_time=0").json().summary
    assert.equal(11, summary.total_requests)
    s:stop()
  end)

  it("goes through the running server when one has the file, with the same rows", function()
    import(table.unpack(paths()))
    local direct = server.start { database = database }
    local expected = rows(direct)
    direct:stop()

    local s = server.start()
    local result = import("--url", s.url, table.unpack(paths()))
    assert.equal(0, result.code)
    assert.same({ 11, 1, 1 }, counts(result))
    assert.same(expected, rows(s))
    assert.same({ 0, 12, 1 }, counts(import("--url", s.url, table.unpack(paths()))))
    s:stop()
  end)

  it("finds the server by its address in the config when the file is locked", function()
    local s = server.start { database = database }
    local result = server.run {
      "--database", database, "--listen", "127.0.0.1:" .. s.port, "import",
      "spec/wire/nginx-1.26.ndjson",
    }
    assert.same({ 2, 0, 0 }, counts(result))
    assert.equal(2, s:get("/logs/query").json().count)
    s:stop()
  end)

  it("sees the same request again long after it was forgotten as recent", function()
    local old = json.encode { request_id = "old", timestamp = "2020-01-01T00:00:00Z", cost_usd = 1 }
    helpers.write_file(folder .. "/old.ndjson", old .. "\n")
    local config = helpers.read_file("config.lua")
      :gsub("dedupe_max_ids = %d+", "dedupe_max_ids = 1000")
    local many = {}
    for i = 1, 3000 do
      many[i] = json.encode { request_id = "id" .. i, timestamp = 1600000000 + i }
    end
    helpers.write_file(folder .. "/many.ndjson", table.concat(many, "\n"))
    helpers.write_file(folder .. "/config.lua", config)
    os.execute("cp -R lua static " .. helpers.quote(folder))
    local function run(file)
      return counts(server.run {
        "--config", folder .. "/config.lua", "--database", database, "import",
        folder .. "/" .. file,
      })
    end
    assert.same({ 1, 0, 0 }, run "old.ndjson")
    assert.same({ 3000, 0, 0 }, run "many.ndjson")
    assert.same({ 0, 1, 0 }, run "old.ndjson")
    assert.same({ 0, 3000, 0 }, run "many.ndjson")
  end)

  it("reads pages of LiteLLM's spend logs, and rejects what they sum up", function()
    local page = json.encode { page = 1, total = 1, data = { {
      request_id = "chatcmpl-ui1", call_type = "acompletion", model = "gpt-4o", spend = 0.0045,
      prompt_tokens = 1000, completion_tokens = 200, startTime = "2026-11-29T08:01:00.000Z",
    } } }
    helpers.write_file(folder .. "/page.json", page)
    helpers.write_file(folder .. "/pretty.json", (page:gsub("^{", "{\n ")))
    helpers.write_file(folder .. "/summary.json",
      '[{"startTime":"2026-11-27","spend":4.5,"users":{"u1":4.5},"models":{"gpt-4o":4.5}}]')
    assert.same({ 1, 0, 0 }, counts(import(folder .. "/page.json")))
    assert.same({ 0, 1, 0 }, counts(import(folder .. "/pretty.json")))
    assert.same({ 0, 0, 1 }, counts(import(folder .. "/summary.json")))
    local s = server.start { database = database }
    local stored = rows(s)["chatcmpl-ui1"]
    assert.same({ "gpt-4o", 0.0045, "litellm" },
      { stored.model, stored.cost_usd, stored.service_type })
    s:stop()
  end)

  it("fills the dimensions that a POST of the same does", function()
    local call = {
      id = "chatcmpl-d1", call_type = "acompletion", model = "gpt-4o", response_cost = 0.0045,
      prompt_tokens = 1000, completion_tokens = 200, startTime = 1795600001, endTime = 1795600005,
      completionStartTime = 1795600002.5, service_tier = "flex", stream = true,
      custom_llm_provider = "openai",
    }
    local function dimensions(s)
      local row = s:get "/logs/query?fields=tier,time_to_first_token_ms,provider".json().results[1]
      return { row.tier, row.time_to_first_token_ms, row.provider }
    end
    helpers.write_file(folder .. "/call.json", json.encode { call })
    assert.same({ 1, 0, 0 }, counts(import(folder .. "/call.json")))
    local s = server.start { database = database }
    local imported = dimensions(s)
    s:stop()
    s = server.start()
    s:post("/ingest/litellm", json.encode { call })
    assert.same({ "flex", 1500, "openai" }, dimensions(s))
    assert.same(dimensions(s), imported)
    s:stop()
  end)

  it("gives records without an id one of their content", function()
    local lines =
      '{"model":"a","timestamp":1795426004}\n{"model":"b","timestamp":1795426004}\n'
        .. '{"request_id":""}\n'
    helpers.write_file(folder .. "/plain.ndjson", lines)
    assert.same({ 3, 0, 0 }, counts(import(folder .. "/plain.ndjson")))
    assert.same({ 0, 3, 0 }, counts(import(folder .. "/plain.ndjson")))
  end)

  it("takes no request_id of an object inside for the record's own", function()
    helpers.write_file(folder .. "/nested.ndjson", '{"model":"a","timestamp":1795426004,'
      .. '"extra":{"request_id":"x"}}\n'
      .. '{"request_id":"None","timestamp":1795426004,"extra":{"request_id":"y"}}\n'
      .. '{"request_id":"z","timestamp":1795426004,"extra":{"request_id":"None","records":[]}}\n')
    assert.same({ 3, 0, 0 }, counts(import(folder .. "/nested.ndjson")))
    assert.same({ 0, 3, 0 }, counts(import(folder .. "/nested.ndjson")))
    local s = server.start { database = database }
    assert.truthy(rows(s).z)
    s:stop()
  end)

  it("reads folders, gzip, zstd and arrays", function()
    os.execute("mkdir -p " .. folder .. "/logs/deeper")
    local nginx = helpers.read_file "spec/wire/nginx-1.26.ndjson"
    helpers.write_file(folder .. "/logs/deeper/access.log.gz", helpers.gzip(nginx))
    helpers.write_file(folder .. "/logs/array.json",
      '[\n {"request_id": "x"},\n {"request_id": "y"}\n]\n')
    helpers.write_file(folder .. "/logs/packed.ndjson.zst",
      helpers.zstd '{"request_id": "z"}\n{"request_id": "x"}\n')
    helpers.write_file(folder .. "/logs/ignored.txt", "no log")
    assert.same({ 5, 1, 0 }, counts(import(folder .. "/logs")))
  end)

  it("rejects lines that are no objects and takes the others", function()
    helpers.write_file(folder .. "/bad.ndjson",
      '{"request_id":"a"}\nnonsense\n{"request_id":"b"}\n7\n')
    local result = import("--format", "ndjson", folder .. "/bad.ndjson")
    assert.same({ 2, 0, 2 }, counts(result))
    assert.truthy(result.stderr:find("line 2 is no JSON object", 1, true))
  end)

  for text, expected in pairs {
    ['{"records":[1,{"model":"a"},{"request_id":"b"},[2]]}\n'] = { 2, 0, 2 },
    ['{\n"records":[1,{"model":"a"},{"request_id":"b"},[2]]}\n'] = { 2, 0, 2 },
    ['{"model":"a"}\n[{"model":"b"}]\n["request_id"]\n'] = { 1, 0, 2 },
    ['[{"model":"a"},["b"],[{"model":"c"}]]'] = { 1, 0, 2 },
    ['{"records":{"a":1}}\n'] = { 1, 0, 0 },
    ['{"records":[]}\n'] = { 0, 0, 0 },
  } do
    it("takes the records of a body, and rejects what is none: " .. text:gsub("\n", " "), function()
      helpers.write_file(folder .. "/body.ndjson", text)
      assert.same(expected, counts(import("--format", "ndjson", folder .. "/body.ndjson")))
    end)
  end

  it("reads files larger than what it sends at once", function()
    local lines = {}
    for i = 1, 20000 do
      lines[i] = ('{"request_id":"r%d","timestamp":%d,"model":"%s"}')
        :format(i, 1795000000 + i, ("m"):rep(100))
    end
    helpers.write_file(folder .. "/large.ndjson", table.concat(lines, "\n"))
    assert.same({ 20000, 0, 0 }, counts(import(folder .. "/large.ndjson")))
  end)

  for _, case in ipairs {
    { "a file that is not there", { "nowhere.ndjson" }, 1, "nowhere.ndjson: No such file" },
    { "an unknown format", { "--format", "csv", "config.lua" }, 2, "unknown format csv" },
    { "a server that is not there",
      { "--url", "http://127.0.0.1:1", "spec/wire/nginx-1.26.ndjson" }, 1, "refused" },
    { "another scheme", { "--url", "ftp://example.com", "spec/wire/nginx-1.26.ndjson" }, 1,
      "expected http://HOST:PORT" },
    { "no file", {}, 2, "usage:" },
    { "an unknown option", { "--nonsense" }, 2, "usage:" },
  } do
    local what, words, code, message = table.unpack(case)
    it("refuses " .. what, function()
      local result = import(table.unpack(words))
      assert.equal(code, result.code)
      assert.truthy(result.stderr:find(message, 1, true), result.stderr)
    end)
  end

  it("needs a token where the server wants one", function()
    local s = server.start { env = { MOONLEDGER_INGEST_TOKEN = "secret-token-of-spec" } }
    assert.equal(1, import("--url", s.url, "spec/wire/nginx-1.26.ndjson").code)
    local result = import("--url", s.url, "--token", "secret-token-of-spec",
      "spec/wire/nginx-1.26.ndjson")
    assert.same({ 2, 0, 0 }, counts(result))
    s:stop()
  end)
end)

describe("what stands beside sessions", function()
  it("is no request: settings, keys and notes of subagents", function()
    local folder <close> = helpers.folder()
    local found = folder.path .. "/home"
    assert(os.execute("mkdir " .. found))
    for name, text in pairs {
      ["agent-1.meta.json"] = { agentType = "general-purpose", description = "SECRET task",
        toolUseId = "toolu_1", model = "claude-sonnet-4-5", spawnDepth = 1 },
      ["auth.json"] = { OPENAI_API_KEY = "sk-SECRET", tokens = { access_token = "SECRET" } },
      ["oauth_creds.json"] = { access_token = "SECRET", token_type = "Bearer", expiry_date = 1 },
      ["notes.jsonl"] = { note = "SECRET" },
      ["cursor.json"] = { sessionId = "s", processedOffset = 0 },
      ["mine.json"] = { model_name = "m", ts = 1795426004 },
    } do
      helpers.write_file(found .. "/" .. name, json.encode(text) .. "\n")
    end
    local database = folder.path .. "/import.db"
    local result = server.run { "--database", database, "import", found }
    assert.same({ 1, 0, 0 }, counts(result))
    assert.truthy(result.stdout:find("5 of the files: no request in it", 1, true), result.stdout)
    assert.is_nil(helpers.read_file(database):find("SECRET", 1, true))
    local alone = server.run { "--database", database, "import", found .. "/auth.json" }
    assert.same({ 1, 0 }, { alone.code, counts(alone)[1] })
  end)
end)

describe("moonledger reprice", function()
  it("computes stored costs anew, rollups included, and leaves reported ones", function()
    local s = server.start { config = "config.watch = false" }
    local spans = helpers.read_file "spec/wire/genai-1.36-traces.json"
    s:post("/v1/traces", spans, { ["content-type"] = "application/json" })
    s:ingest { { request_id = "told", model = "gpt-4o", tokens_input = 1000, cost_usd = 5 } }
    local function cost(id)
      return s:get("/logs/entries/" .. id).json().cost_usd
    end
    local function total()
      return s:get("/logs/analytics?start_time=0").json().summary.total_cost_usd
    end
    -- 400*2.5 + 600*1.25 + 100*10 = 2750; 12*0.8 + 5000*0.08 + 10*4 = 449.6
    assert.same({ 0.00275, 0.0004496, 5 }, { cost "chatcmpl-A", cost "msg_raw", cost "told" })
    assert.near(5.0031996, total(), 1e-9)

    local config = helpers.read_file(s.root .. "/config.lua")
    local priced = config:gsub("return config%s*$",
      'config.pricing.overrides = { ["gpt-4o"] = { input = 100, output = 100, cache_read = 0 } '
        .. '}\nreturn config\n')
    helpers.write_file(s.root .. "/config.lua", priced)
    s:signal "HUP"
    helpers.eventually(function() return s:log():find "generation=2" end)

    local result = server.run { "reprice", "--url", s.url }
    assert.equal(0, result.code)
    assert.truthy(result.stdout:find("3 rows seen", 1, true), result.stdout)
    assert.truthy(result.stdout:find("1 with a new cost", 1, true))
    -- 400*100 + 100*100 = 50000
    assert.same({ 0.05, 0.0004496, 5 }, { cost "chatcmpl-A", cost "msg_raw", cost "told" })
    assert.near(5.0504496, total(), 1e-9)
    assert.truthy(
      server.run({ "reprice", "--url", s.url }).stdout:find("0 with a new cost", 1, true))
    s:stop()
  end)

  it("goes through all pages", function()
    local s = server.start { config = "config.pricing.native = false" }
    local records = {}
    for i = 1, 4500 do
      records[i] = { request_id = "r" .. i, model = "gpt-4o", tokens_input = 1000,
        timestamp = 1795426004 }
    end
    s:ingest(records)
    local result = server.run { "reprice", "--url", s.url }
    assert.truthy(result.stdout:find("4500 rows seen", 1, true), result.stdout .. result.stderr)
    assert.truthy(result.stdout:find("4500 with a new cost", 1, true))
    -- each 1000*2.5 per million
    local summary = s:get("/logs/analytics?start_time=0").json().summary
    assert.near(11.25, summary.total_cost_usd, 1e-9)
    assert.equal(4500000, summary.total_tokens_input)
    s:stop()
  end)
end)
