--- Real clients: OpenTelemetry's JavaScript SDK, an EventSource, Prometheus.
local Process = require "spec.helpers.process"
local helpers = require "spec.helpers"
local http = require "socket.http"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"
local socket = require "socket"

local has_clients = helpers.read_file "spec/node_modules/.package-lock.json" ~= nil
local has_prometheus = os.execute "command -v prometheus >/dev/null"

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    lines[#lines + 1] = line
  end
  return lines
end

(has_clients and describe or pending)("OpenTelemetry's JavaScript SDK", function()
  for _, encoding in ipairs { "json", "proto" } do
    describe("with " .. encoding .. " and gzip", function()
      local s, process, folder

      lazy_setup(function()
        s = server.start()
        folder = helpers.temporary_folder()
        process = Process.start({ "node", "spec/clients/otlp.js", s.url, encoding }, folder)
      end)
      lazy_teardown(function()
        helpers.remove_folder(folder)
        s:stop()
      end)

      it("is content with every answer", function()
        local code = process:wait(60)
        assert.equal("", process:stderr())
        assert.equal(0, code)
      end)

      it("brings a log record", function()
        local row = s:get("/logs/entries/log-" .. encoding).json()
        assert.equal("claude_code", row.service_type)
        assert.equal("2026-11-23T09:26:44.200000Z", row.timestamp)
        assert.same({ 12, 842, 51342, 2210, 0.0363561 }, {
          row.tokens_input, row.tokens_output, row.cache_read_tokens, row.cache_write_tokens,
          row.cost_usd,
        })
        assert.equal("platform", row.extra.resource["team.id"])
        assert.same({ "a", "b" }, row.extra.attributes.tags)
      end)

      it("brings spans, one of them failed", function()
        local row = s:get("/logs/entries/span-" .. encoding).json()
        -- 400*2.5 + 600*1.25 + 100*10 = 2750
        assert.same({ 400, 600, 0.00275, 1500.0, 200 }, {
          row.tokens_input, row.cache_read_tokens, row.cost_usd, row.duration_ms, row.status_code,
        })
        assert.equal(429, s:get("/logs/entries/error-" .. encoding).json().status_code)
      end)

      it("brings delta and cumulative sums to the same figure", function()
        local page = s:get("/metrics").body
        for _, name in ipairs { "delta", "cumulative" } do
          assert.equal("7", page:match(name .. "_" .. encoding .. "_total{[^}]*} (%S+)"))
        end
      end)
    end)
  end
end);

(has_clients and describe or pending)("an EventSource", function()
  it("comes back after the server was killed and misses nothing", function()
    local folder = helpers.temporary_folder()
    local first = server.start { database = folder .. "/stream.db" }
    local words = { "node", "spec/clients/eventsource.js", first.url .. "/logs/stream", "3" }
    local client = Process.start(words, folder)
    local function printed(n)
      return helpers.eventually(function()
        local lines = lines_of(client:stdout())
        return #lines >= n and lines
      end)
    end
    printed(1)
    first:ingest { { request_id = "one" } }
    printed(2)
    first:kill()

    local second =
      server.start { database = folder .. "/stream.db", listen = "127.0.0.1:" .. first.port }
    second:ingest { { request_id = "two" } }
    second:ingest { { request_id = "three" } }
    assert.equal(0, client:wait(helpers.SECONDS))
    assert.same({ "open", "one", "open", "two", "three" }, lines_of(client:stdout()))
    second:stop()
    helpers.remove_folder(folder)
  end)
end);

-- Prometheus does not tell which port it got, so it is given one that was free a moment ago.
local function free_port()
  local probe = assert(socket.bind("127.0.0.1", 0))
  local _, port = probe:getsockname()
  probe:close()
  return port
end

(has_prometheus and describe or pending)("Prometheus", function()
  it("scrapes the server and answers a query", function()
    local s = server.start()
    s:ingest {
      { request_id = "a", model = "gpt-4o", service_type = "bot", cost_usd = 0.25,
        tokens_input = 10 },
      { request_id = "b", model = "gpt-4o", service_type = "bot", cost_usd = 0.5,
        status_code = 500 },
    }
    local folder, port = helpers.temporary_folder(), free_port()
    helpers.write_file(folder .. "/prometheus.yml", ([[
scrape_configs:
  - job_name: moonledger
    scrape_interval: 2s
    scrape_timeout: 2s
    static_configs: [{targets: ["127.0.0.1:%d"]}]
]]):format(s.port))
    local process = Process.start({
      "prometheus", "--config.file=" .. folder .. "/prometheus.yml",
      "--storage.tsdb.path=" .. folder .. "/tsdb",
      "--web.listen-address=127.0.0.1:" .. port,
    }, folder)

    local function query(promql)
      local escaped = promql:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end)
      local body = http.request(("http://127.0.0.1:%d/api/v1/query?query=%s"):format(port, escaped))
      local ok, answer = pcall(json.decode, body or "")
      local first = ok and answer.status == "success" and answer.data.result[1]
      return first and first.value[2]
    end
    helpers.eventually(function() return query 'up{job="moonledger"}' == "1" end)
    assert.equal("0.75", query 'sum(ccproxy_cost_usd_total{service_type="bot"})')
    assert.equal("1", query 'ccproxy_requests_total{status="500"}')
    assert.equal("10", query 'ccproxy_tokens_total{type="input"}')
    process:signal "TERM"
    process:wait(helpers.SECONDS)
    helpers.remove_folder(folder)
    s:stop()
  end)
end)
