--- GET /logs/senders: who sends, how much, and what of it was not taken.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local JSON = { ["content-type"] = "application/json", ["user-agent"] = "exporter/1" }

-- By service type and version; times are looked at and taken out.
local function senders_of(s)
  local response = s:get "/logs/senders"
  local answer = response.json()
  assert.is_nil(response.body:find('"why":{}', 1, true) or response.body:find '%d%.0[,}]',
    response.body)
  local found = {}
  for _, sender in ipairs(answer.senders) do
    assert.is_true(sender.first_seen <= sender.last_seen)
    assert.is_true(math.abs(sender.last_seen - answer.timestamp) < 60)
    sender.first_seen, sender.last_seen = nil, nil
    found[sender.service_type .. " " .. sender.version] = sender
  end
  return found
end

local function post(s, path, body)
  return s:post(path, type(body) == "table" and json.encode(body) or body, JSON)
end

local function logs(resource, name, attributes)
  local function pairs_of(told)
    local list = json.array {}
    for key, value in pairs(told) do
      list[#list + 1] = { key = key, value = { stringValue = value } }
    end
    return list
  end
  return { resourceLogs = { { resource = { attributes = pairs_of(resource) }, scopeLogs = { {
    logRecords = { { eventName = name, timeUnixNano = "1795600001000000000",
      attributes = pairs_of(attributes) } } } } } } }
end

describe("GET /logs/senders", function()
  it("counts records by service type, version and key, and what was rejected and why", function()
    local s = server.start { workers = 2 }
    for i = 1, 3 do
      post(s, "/logs/ingest", {
        { request_id = "a" .. i, service_type = "proxy", user_agent = "cli/1.0", api_key = "k" },
        { request_id = "b" .. i, service_type = "proxy", user_agent = "cli/1.0", api_key = "k" },
        { request_id = "c" .. i, service_type = "batch" },
        { request_id = "d" .. i, service_type = "batch", tokens_input = "many" },
      })
    end
    local found = senders_of(s)
    assert.same({
      service_type = "proxy", version = "cli/1.0", api_key = "k", records = 6, events = 0,
      rejected = 3, why = { { reason = "tokens_input: expected an integer", count = 3 } },
      newest_error = found["proxy cli/1.0"].newest_error,
    }, found["proxy cli/1.0"])
    assert.equal('tokens_input: expected an integer, got "many"',
      found["proxy cli/1.0"].newest_error.message)
    assert.equal(3, found["batch "].records)
    assert.equal(0, found["batch "].rejected)
    s:stop()
  end)

  it("knows who sent what nobody could take, or what nobody knows", function()
    local s = server.start()
    post(s, "/logs/ingest", "no json")
    post(s, "/v1/logs", "no json")
    post(s, "/ingest/litellm", "[{}]")
    post(s, "/v1/logs", logs({ ["service.name"] = "shop", ["service.version"] = "7" }, "x", {}))
    post(s, "/v1/logs", logs({ ["service.name"] = "claude-code", ["service.version"] = "2.1" },
      "claude_code.user_prompt", { ["session.id"] = "s" }))
    post(s, "/v1/logs", logs({ ["service.name"] = "claude-code", ["service.version"] = "2.1" },
      "claude_code.api_request", { request_id = "r", model = "m", input_tokens = "1" }))
    local found = senders_of(s)
    assert.equal(3, found[" exporter/1"].rejected)
    assert.equal(3, #found[" exporter/1"].why)
    assert.same({ { count = 1,
      reason = "N logRecords taken, but none is of a model or an agent that is known here" } },
      found["shop shop/7"].why)
    assert.equal(0, found["shop shop/7"].rejected)
    assert.equal(1, found["claude_code claude-code/2.1"].events)
    assert.equal(1, found["claude_code claude-code/2.1"].records)
    s:stop()
  end)

  it("is bounded: whoever comes later is counted under (other)", function()
    local s = server.start()
    for from = 1, 600, 30 do
      local records = {}
      for i = from, from + 29 do
        records[#records + 1] = { request_id = "r" .. i, service_type = "s" .. i }
      end
      post(s, "/logs/ingest", records)
    end
    local list = s:get("/logs/senders").json().senders
    local found = senders_of(s)
    assert.equal(501, #list)
    assert.equal(100, found["(other) "].records)
    post(s, "/logs/ingest", { { request_id = "again", service_type = "s1" } })
    local sum = 0
    for _, sender in ipairs(s:get "/logs/senders".json().senders) do
      sum = sum + sender.records
    end
    assert.equal(601, sum)
    s:stop()
  end)

  it("keeps 64 senders of one body apart, and counts the records of the others", function()
    local s = server.start()
    local records = {}
    for i = 1, 200 do
      records[i] = { request_id = "r" .. i, service_type = "s" .. i % 100 }
    end
    post(s, "/logs/ingest", records)
    local found, named = senders_of(s), 0
    for i = 0, 99 do
      named = named + (found["s" .. i .. " "] and found["s" .. i .. " "].records or 0)
    end
    assert.same({ 128, 72 }, { named, found["(other) "].records })
    s:stop()
  end)

  it("outlives a restart", function()
    local folder <close> = helpers.folder()
    local route = helpers.read_file "lua/routes/logs_senders.lua":gsub("every%(5000", "every(50")
    local kept = [[
      return { summary = "What is kept.", handle = function()
        return { json = require("storage").sql "SELECT data FROM journal" }
      end }]]
    local options = { database = folder.path .. "/m.db", workers = 2,
      config = 'table.insert(config.routes, { "GET", "/kept", "routes.kept" })',
      files = { ["lua/routes/logs_senders.lua"] = route, ["lua/routes/kept.lua"] = kept } }
    local s = server.start(options)
    post(s, "/logs/ingest", { { request_id = "a", service_type = "x" } })
    server.eventually(function()
      return s:get("/kept").body:find('service_type', 1, true)
    end)
    s:stop()
    s = server.start(options)
    post(s, "/logs/ingest", { { request_id = "b", service_type = "x" } })
    assert.equal(2, senders_of(s)["x "].records)
    s:stop()
  end)
end)
