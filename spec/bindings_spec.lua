local json = require "spec.helpers.json"
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

-- A server with a route that runs the Lua it is sent and answers what that returns.
local RUN = [[
  local json = require "json"
  return {
    summary = "Runs Lua.",
    handle = function(req)
      local chunk, message = load(tostring(req.body))
      if not chunk then
        return { status = 400, detail = message }
      end
      return { json = json.array { chunk() } }
    end,
  }
]]

local TOPIC = [[
  local sse = require "sse"
  return {
    summary = "A topic of one's own.",
    handle = function() return sse.stream { topic = "mine", hello = { type = "hello" } } end,
  }
]]

-- Columns that live in extra, with defaults of their own.
local SCHEMA = assert(helpers.read_file "lua/schema.lua"):gsub('\n  { "other_id",', [[

  { "remark", "string", in_extra = true, default = "it's" },
  { "share", "float", in_extra = true, default = 0.5 },%0]], 1)

local function start(options)
  options = options or {}
  options.files = options.files or {}
  options.files["lua/schema.lua"] = SCHEMA
  options.files["lua/routes/run.lua"] = RUN
  options.files["lua/routes/topic.lua"] = TOPIC
  options.config = (options.config or "") .. [[
    table.insert(config.routes, { "POST", "/run", "routes.run" })
    table.insert(config.routes, { "GET", "/topic", "routes.topic" })
  ]]
  return server.start(options)
end

describe("bindings #loops", function()
  local s
  lazy_setup(function() s = start() end)
  lazy_teardown(function() s:stop() end)

  -- What the code returns, as a list; raises when it failed.
  local function run(code, ...)
    local r = s:post("/run", code:format(...))
    assert(r.status == 200, r.body .. s:log():sub(-1000))
    return r.json()
  end

  local function fails(code)
    local before = #s:log()
    local r = s:post("/run", code)
    assert.equal(500, r.status)
    return s:log():sub(before + 1)
  end

  for _, name in ipairs { "crypto", "json", "kv", "log", "metrics", "server", "sse", "storage" } do
    it("have annotations of each function and no other: " .. name, function()
      local there, described = {}, {}
      for _, key in ipairs(run([[
        local json, names = require "json", {}
        for name in pairs(require %q) do names[#names + 1] = name end
        return json.array(names)
      ]], name)[1]) do
        there[key] = true
      end
      local annotated = assert(helpers.read_file("lua/meta/" .. name .. ".lua"))
      for key in annotated:gmatch("\nfunction " .. name .. "%.([%w_]+)%(") do
        described[key] = true
      end
      for key in annotated:gmatch("\n" .. name .. "%.([%w_]+) =") do
        described[key] = true
      end
      assert.same(described, there)
    end)
  end

  describe("json", function()
    local written = {
      { "nil", "null" }, { "json.null", "null" }, { "true", "true" }, { "1", "1" },
      { "-0.0", "-0.0" },
      { "2.0", "2.0" }, { "0.1", "0.1" }, { "1e300", "1e+300" },
      { "math.maxinteger", "9223372036854775807" },
      { "9007199254740993", "9007199254740993" }, { "0/0", "null" }, { "math.huge", "null" },
      { "{}", "{}" },
      { "json.array {}", "[]" }, { "json.array()", "[]" }, { "json.object { 1 }", nil },
      { "{ 1, 2 }", "[1,2]" },
      { "json.array { 1, nil, 3 }", "[1,null,3]" },
      { "{ b = 1, a = { c = {} } }", '{"a":{"c":{}},"b":1}' },
      { "'é\\n\\0'", '"é\\n\\u0000"' }, { "'\\xff'", '"\u{FFFD}"' }, { "{ 1, x = 2 }", nil },
      { "{ [1.5] = 2 }", nil },
      { "print", nil }, { "json.fragment '[1, 2]'", "[1, 2]" },
      { "{ json.fragment '{}' }", "[{}]" },
      { "{ [2] = 1 }", nil },
    }
    for _, case in ipairs(written) do
      it("encodes " .. case[1], function()
        local code = ('local json = require "json" return pcall(json.encode, %s)'):format(case[1])
        local result = run(code)
        assert.equal(case[2] ~= nil, result[1])
        if case[2] then
          assert.equal(case[2], result[2])
        end
      end)
    end
    it("says what has no form and where", function()
      local message =
        run [[return select(2, pcall(require("json").encode, { a = { { b = print } } }))]][1]
      assert.truthy(message:find("a function has no JSON form in b in a list in a", 1, true))
    end)
    it("finds cycles", function()
      assert.is_false(run [[local t = {} t.t = t return (pcall(require("json").encode, t))]][1])
    end)
    it("decodes whole numbers as floats, which math.tointeger makes integers again", function()
      assert.same({ '{"n":1.0}', '{"n":1}' }, run [[
        local json = require "json"
        local t = json.decode '{"n":1}'
        return json.encode(t), json.encode { n = math.tointeger(t.n) }
      ]])
    end)
    it("decodes, and answers nil and a message for what is no JSON", function()
      assert.same({ 1, "x", json.null }, run [[
        local json = require "json"
        local t = json.decode '{"a":[1,"x",null]}'
        return t.a[1], t.a[2], t.a[3]
      ]])
      for _, text in ipairs { "{", "nan", ("["):rep(100) } do
        local result = run("return require('json').decode %q", text)
        assert.equal(json.null, result[1])
        assert.equal("string", type(result[2]))
      end
    end)
  end)

  describe("kv", function()
    it("keeps values over requests", function()
      run [[local kv = require "kv" kv.set("a", "x") kv.set("b", 1.5) kv.set("c", true)]]
      assert.same({ "x", 1.5, true, json.null },
        run [[local kv = require "kv"
          return kv.get "a", kv.get "b", kv.get "c", kv.get "d" or require("json").null]])
      assert.same({ true, 1, 3, 3.5 },
        run [[local kv = require "kv"
          return kv.set("n", nil), kv.incr "n", kv.incr("n", 2), kv.incr("n", 0.5)]])
    end)
    it("forgets what has expired", function()
      assert.equal("gone", run [[
        local kv = require "kv"
        kv.set("t", 1, 0.001)
        sleep(20)
        return kv.get "t" or "gone"
      ]][1])
    end)
    it("does not add to a text", function()
      assert.same({ json.null, "the value is not a number" },
        run [[local kv = require "kv" kv.set("t", "x") return kv.incr "t"]])
    end)
  end)

  describe("storage", function()
    before_each(function()
      s:post "/logs/reset"
    end)

    it("inserts tables, with rejections by position", function()
      local result = run [[
        return require("storage").insert {
          { request_id = "i1", timestamp = 1000.5, model = "m", odd = { 1 } },
          { status_code = "x" },
          7,
          { request_id = "i2", input_tokens = 3, extra = { kept = true } },
        }
      ]][1]
      assert.same({ 2, 0, 2 }, { result.accepted, result.merged, result.rejected })
      assert.same({ 1, 2 }, { result.errors[1].index, result.errors[2].index })
      local i2 = s:get("/logs/entries/i2").json()
      assert.equal(3, i2.tokens_input)
      assert.same({ kept = true, cost_source = "unknown" }, i2.extra)
      assert.same({ odd = json.array { 1 } }, s:get("/logs/entries/i1").json().extra)
    end)

    it("selects rows as tables, page by page", function()
      s:ingest {
        { request_id = "a", timestamp = 1000.25, tokens_input = 5 },
        { request_id = "b", timestamp = 2000 },
        { request_id = "c", timestamp = 3000 },
      }
      assert.same({ "a", 1000.25, 5, false, true, 2000 }, run [[
        local storage = require "storage"
        local rows, next = storage.select { limit = 2 }
        local rest, last = storage.select { limit = 2, after = next }
        assert(#rows == 2 and #rest == 1 and rest[1].request_id == "c" and last == nil)
        local r = rows[1]
        return r.request_id, r.timestamp, r.tokens_input, r.streaming, r.session_is_new,
          rows[2].timestamp
      ]])
    end)

    it("answers aggregates as one list or as many", function()
      s:ingest {
        { request_id = "a", timestamp = 60, model = "m", cost_usd = 0.5, duration_ms = 10 },
        { request_id = "b", timestamp = 130, model = "n", cost_usd = 0.25, duration_ms = 30 },
        { request_id = "c", timestamp = 140, model = "n", cost_usd = 0.5, duration_ms = 50,
          status_code = 500 },
      }
      assert.same({ 2, "n", 2, 0.75, 1 }, run [[
        local groups = require("storage").aggregate {
          by = { "model" }, order_by = "cost_usd", descending = true,
        }
        local g = groups[1]
        return #groups, g.model, g.requests, g.cost_usd, g.errors
      ]])
      assert.same({ 1, 3, 60, 60, 1, 120, 2 }, run [[
        local lists = require("storage").aggregate {
          where = { { "model", "in", "m", "n" } }, {}, { every = "minute" },
        }
        local points = lists[2]
        return #lists[1], lists[1][1].requests, points.every, points[1].time, points[1].requests,
          points[2].time, points[2].requests
      ]])
      local p50 =
        run [[return require("storage").aggregate({ quantiles = { 0.5 } })[1].duration_ms_p50]][1]
      assert.truthy(math.abs(p50 - 30) < 0.4)
    end)

    it("counts and gets", function()
      s:ingest { { request_id = "a", model = "m" }, { request_id = "b" } }
      assert.same({ 2, 1, "m", "none" }, run [[
        local storage = require "storage"
        return storage.count {}, storage.count { where = { { "model", "=", "m" } } },
          storage.get("a").model, storage.get "nobody" or "none"
      ]])
    end)

    it("finds what lives in extra by its default too", function()
      s:ingest { { request_id = "a" }, { request_id = "b", remark = "odd", share = 2 } }
      assert.same({ 1, 1, 1, 1, 2 }, run [[
        local function count(...)
          return require("storage").count { where = { { ... } } }
        end
        return count("remark", "=", "it's"), count("remark", "!=", "it's"),
          count("share", "=", 0.5), count("share", "<=", 0.5), count("share", ">", 0.25)
      ]])
    end)

    it("runs read-only SQL with values", function()
      s:ingest { { request_id = "a", tokens_input = 5 }, { request_id = "b", tokens_input = 7 } }
      local result = run [[
        local rows, truncated = require("storage").sql("SELECT count(*) AS n, "
          .. "sum(tokens_input) AS sum, ? AS text, ? AS whole, ? AS real FROM rows", "é", 3, 0.5)
        return rows, truncated
      ]]
      assert.same({ json.array { { n = 2, sum = 12, text = "é", whole = 3, real = 0.5 } }, false },
        result)
      local refused = { "DELETE FROM rows", "SELECT nothing", "PRAGMA journal_mode = DELETE",
        "ATTACH 'x' AS y" }
      for _, sql in ipairs(refused) do
        local failure = run("return require('storage').sql %q", sql)
        assert.equal(json.null, failure[1])
        assert.equal("string", type(failure[2]))
      end
      assert.equal(2, s:get("/logs/query").json().count)
    end)

    it("tells figures about itself", function()
      s:ingest { { request_id = "a" } }
      local stats = run [[return require("storage").stats()]][1]
      assert.equal(1, stats.rows)
      assert.is_true(stats.writable)
      assert.equal("full", stats.durability)
      assert.equal(30, #run [[return require("storage").columns()]][1])
    end)

    local misuse = {
      { "storage.select { where = { { 'modle', '=', 'x' } } }", "there is no column" },
      { "storage.select { where = { { 'model', '~', 'x' } } }", "is no operator" },
      { "storage.select { where = { { 'model', '=', 1 } } }", "must be strings" },
      { "storage.select { order_by = 'nothing' }", "bad field order_by (there is no column" },
      { "storage.select { wher = {} }", "unknown option wher: known are where, order_by" },
      { "storage.count { model = 'x' }", "unknown option model: known are where" },
      { "storage.select { limit = 0 }", "bad field limit" },
      { "storage.select { as = 'xml' }", "invalid option 'xml'" },
      { "storage.aggregate { by = { 'nothing' } }", "bad field by (there is no column" },
      { "storage.aggregate { bye = {} }", "unknown option bye: known are where, by" },
      { "storage.aggregate { by = {}, { by = { 'model' } } }",
        "unknown option by: known are where" },
      { "storage.aggregate { { where = {} } }", "unknown option where: known are by" },
      { "storage.aggregate { every = 61 }", "bad field every" },
      { "storage.aggregate { quantiles = { 2 } }", "bad field quantiles" },
      { "storage.aggregate { order_by = 'model' }", "bad field order_by" },
      { "storage.aggregate { measures = {} }", "bad field measures" },
      { "storage.aggregate { measures = { 'requests', 'model' } }",
        "bad field measures (model is no measure here; there are requests, successes, errors," },
      { "storage.aggregate { measures = { 'requests' }, order_by = 'cost_usd' }",
        "bad field order_by (cost_usd is no measure here; there are requests)" },
      { "storage.sql({})", "string expected" },
      { "storage.sql('SELECT ?', {})", "nil, boolean, number or string expected" },
      { "storage.insert(1)", "table expected" },
      { "storage.insert { model = 'x' }", "a list of records expected, found the key model" },
      { "storage.post { model = 'x' }", "a list of records expected, found the key model" },
      { "storage.append('topic', { a = 1 })", "a list of entries expected, found the key a" },
      { "storage.count { where = { model = 'x' } }", "value... }, found the key model" },
      { "storage.select { fields = { 'model', x = 1 } }",
        "bad field fields (a list of columns expected, found the key x)" },
      { "storage.aggregate { by = { model = true } }",
        "bad field by (a list of columns expected, found the key model)" },
      { "storage.aggregate { order_by = { requests = true } }", "found the key requests" },
      { "require('metrics').counter { name = 'a', help = 'a', labels = { kind = 'x' } }",
        "bad field labels (a list of names expected, found the key kind)" },
      { "storage.insert({}, { probe = true })", "a list of up to 4 columns" },
      { "storage.append('topic', {}, { max = 1 })", "unknown option max" },
      { "require('metrics').counter { name = 'a', help = 'a', label = {} }",
        "unknown option label" },
      { "for _, labels in ipairs { {}, { 'a' } } do require('metrics').counter { name = "
          .. "'spec_clash_total', help = 'a', labels = labels } end",
        "spec_clash_total: it is there with another kind, other labels or other bounds, until" },
      { "require('sse').stream { topic = 'a', filter = {} }", "unknown option filter" },
      { "io.open('/etc/passwd')", "scripts are sandboxed" },
      { "os.getenv('HOME')", "scripts are sandboxed" },
      { "table.sort({ 1, 2 }, function() return storage.count {} end)", "storage.count" },
    }
    for _, case in ipairs(misuse) do
      it("raises for " .. case[1], function()
        local log = fails("local storage = require 'storage' " .. case[1])
        assert.truthy(log:find(case[2], 1, true), log)
      end)
    end
  end)

  describe("metrics", function()
    it("of a script are on the page and survive in the next request", function()
      for i = 1, 2 do
        run [[
          local metrics = require "metrics"
          local hits = { name = "spec_hits_total", help = "Hits.", labels = { "what" } }
          metrics.counter(hits):inc(2, 'a"b')
          metrics.gauge({ name = "spec_level", help = "Level." }):set(-1.5)
          local seconds = { name = "spec_seconds", help = "Time.", buckets = { 1, 2 } }
          metrics.histogram(seconds):observe(1.5)
        ]]
        local page = s:get("/metrics").body
        assert.truthy(page:find(('spec_hits_total{what="a\\"b"} %d\n'):format(2 * i), 1, true))
        assert.truthy(page:find("spec_level -1.5\n", 1, true))
        assert.truthy(page:find(('spec_seconds_bucket{le="2"} %d\n'):format(i), 1, true)
          or page:find(('spec_seconds_bucket{le="2.0"} %d\n'):format(i), 1, true))
      end
    end)
    local misuse = {
      [[metrics.counter { name = "bad name", help = "x" }]],
      [[metrics.counter { name = "x_total" }]],
      [[metrics.gauge { name = "spec_g", help = "x", labels = "a" }]],
      [[metrics.counter({ name = "spec_c_total", help = "x", labels = { "a" } }):inc(1)]],
      [[metrics.counter({ name = "spec_d_total", help = "x" }):inc(-1)]],
      [[metrics.histogram { name = "spec_h", help = "x", buckets = { 2, 1 } }]],
    }
    for _, code in ipairs(misuse) do
      it("raises for " .. code, function()
        fails("local metrics = require 'metrics' " .. code)
      end)
    end
  end)

  describe("sse", function()
    it("publishes to a topic of one's own", function()
      local stream = s:stream "/topic"
      local hello = assert(stream:event()).json
      assert.equal("hello", hello.type)
      assert.truthy(hello.connection_id)
      run [[local fragment = require("json").fragment "[1,\n2]"
        require("sse").publish("mine", { text = "a\nb", n = 1, f = fragment })]]
      assert.same({ text = "a\nb", n = 1, f = json.array { 1, 2 } }, assert(stream:event()).json)
      stream:close()
    end)
    it("leaves the server's own topic alone", function()
      assert.truthy(fails([[require("sse").publish("logs", {})]]):find("server's own", 1, true))
    end)
  end)

  it("crypto has digests and identifiers", function()
    local result = run [[
      local crypto = require "crypto"
      return crypto.sha256 "abc", crypto.hmac("Jefe", "what do ya want for nothing?"),
        crypto.uuid4(), crypto.uuid7()
    ]]
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", result[1])
    assert.equal("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", result[2])
    assert.truthy(result[3]:match "^%x+%-%x+%-4%x%x%x%-[89ab]%x%x%x%-%x+$")
    assert.truthy(result[4]:match "^%x+%-%x+%-7%x%x%x%-[89ab]%x%x%x%-%x+$")
  end)

  it("log writes structured lines", function()
    run [[require("log").warn("from a spec",
      { answer = 42, text = "a b", flag = true, half = 0.5 })]]
    local line = helpers.eventually(function() return s:log():match "[^\n]*from a spec[^\n]*" end)
    for _, field in ipairs { "level=warn", "answer=42", 'text="a b"', "flag=true", "half=0.5" } do
      assert.truthy(line:find(field, 1, true), line)
    end
  end)

  it("config is there to read", function()
    assert.same({ "sqlite", true }, run [[
      local config = require "config"
      return config.storage.backend, type(config.version) == "string"
    ]])
  end)
end)
