local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local CONNECTIONS, BATCH = 8, 10

local function batch(name)
  local records = {}
  for i = 1, BATCH do
    records[i] = {
      request_id = name .. "-" .. i, model = "m" .. i % 3, service_type = "s" .. i % 2,
      endpoint = "/e", status_code = i == 1 and 500 or 200, duration_ms = i, cost_usd = 0.5,
      tokens_input = i,
    }
  end
  return json.lines(records)
end

--- Sends batches on many connections until the server is gone: it is killed a few
--- milliseconds after so many have been acknowledged.  Adds the names of the
--- acknowledged ones to stored.
local function ingest_until_gone(s, prefix, acknowledged, stored)
  local connections, sent, number, answers = {}, {}, 0, 0
  local function send(i)
    number = number + 1
    sent[i] = prefix .. "-" .. number
    connections[i]:send(connections[i].request_text {
      method = "POST", path = "/logs/ingest", host = "127.0.0.1:" .. s.port,
      headers = { ["content-type"] = "application/x-ndjson" }, body = batch(sent[i]),
    })
  end
  for i = 1, CONNECTIONS do
    connections[i] = s:raw()
    send(i)
  end
  while true do
    for i, connection in ipairs(connections) do
      local response = connection:response()
      if not response then
        return
      end
      assert.equal(200, response.status)
      assert.same({ BATCH, 0 }, { response.json().accepted, response.json().rejected })
      stored[sent[i]] = true
      answers = answers + 1
      if answers == acknowledged then
        os.execute(("(sleep 0.01; kill -KILL %d) &"):format(s.pid))
      end
      send(i)
    end
  end
end

--- How many rows of each batch there are.
local function rows_by_batch(s)
  local counts, rows = {}, 0
  for line in s:get("/logs/export?format=ndjson").body:gmatch "[^\n]+" do
    local name = json.decode(line).request_id:match "^(.*)%-%d+$"
    counts[name] = (counts[name] or 0) + 1
    rows = rows + 1
  end
  return counts, rows
end

local function count(set)
  local n = 0
  for _ in pairs(set) do
    n = n + 1
  end
  return n
end

describe("a server that is killed while it takes records in", function()
  for _, durability in ipairs { "full", "normal" } do
    it("has lost nothing that it had acknowledged, with durability " .. durability, function()
      local folder <close> = helpers.folder()
      local options = {
        database = folder.path .. "/killed.db",
        config = ("config.storage.durability = %q"):format(durability),
      }
      local stored = {}
      for round = 1, 4 do
        local s <close> = server.start(options)
        ingest_until_gone(s, tostring(round), 10 * round, stored)
      end
      assert.is_true(count(stored) >= 100)

      local s <close> = server.start(options)
      local counts, rows = rows_by_batch(s)
      for name in pairs(stored) do
        assert.equal(BATCH, counts[name], name)
      end
      for name, n in pairs(counts) do
        assert.equal(BATCH, n, "a part of batch " .. name)
      end

      local batches = rows // BATCH
      local answer = s:get("/logs/analytics?start_time=0").json()
      assert.equal(rows, answer.summary.total_requests)
      assert.equal(batches, answer.summary.total_error_requests)
      assert.equal(batches * 55, answer.summary.total_tokens_input)
      assert.equal(rows * 0.5, answer.summary.total_cost_usd)
      assert.equal(rows, s:get("/logs/entries?limit=1").json().total_count)

      local counted = 0
      for n in s:get("/metrics").body:gmatch "\nccproxy_requests_total{[^}]*} (%d+)" do
        counted = counted + n
      end
      assert.equal(rows, counted)
      s:stop()
    end)
  end
end)
