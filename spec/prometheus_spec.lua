--- What is shipped for Prometheus and Grafana: rules, the README's questions, the dashboard.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local RULES = "src/dist/prometheus/moonledger.rules.yml"

local function promtool(words)
  local lines = helpers.lines_of("promtool " .. words .. " 2>&1; echo $?")
  return table.remove(lines), table.concat(lines, "\n")
end

-- PromQL of README.md: what is asked, and the expression.
local function questions()
  local block = assert(helpers.read_file "README.md"):match "```promql\n(.-)```"
  local found = {}
  for question, expression in (block .. "\n"):gmatch "# ([^\n]+)\n(.-)\n\n" do
    found[#found + 1] = { question, expression }
  end
  return found
end

-- An hour and a half of samples a minute apart, and what each question answers then.
local series = {
  ['ccproxy_cost_usd_total{model="m", cost_type="total", team="a"}'] = "0+0.5x90",
  ['ccproxy_cost_usd_total{model="m", cost_type="total", team="b"}'] = "0+0.25x90",
  ['ccproxy_requests_total{model="m", status="200"}'] = "0+54x90",
  ['ccproxy_requests_total{model="m", status="529"}'] = "0+6x90",
  ['ccproxy_tokens_total{model="m", type="input"}'] = "0+540x90",
  ['ccproxy_tokens_total{model="m", type="cache_read"}'] = "0+180x90",
  ['ccproxy_tokens_total{model="m", type="output"}'] = "0+60x90",
  ['ccproxy_response_duration_seconds_bucket{model="m", le="1"}'] = "0+50x90",
  ['ccproxy_response_duration_seconds_bucket{model="m", le="2.5"}'] = "0+100x90",
  ['ccproxy_response_duration_seconds_bucket{model="m", le="+Inf"}'] = "0+100x90",
}
local answers = {
  ["cost per hour by model"] = { ['{model="m"}'] = 45 },
  ["95th percentile of durations by model"] = { ['{model="m"}'] = 2.35 },
  ["ratio of failures by model"] = { ['{model="m"}'] = 0.1 },
  ["share of the input that came from a cache"] = { ['{model="m"}'] = 0.25 },
  ["tokens a second by type"] = { ['{type="input"}'] = 9, ['{type="cache_read"}'] = 3,
    ['{type="output"}'] = 1 },
  ["cost per team in a day (metrics.labels = { \"team\" })"] = { ['{team="a"}'] = 45,
    ['{team="b"}'] = 22.5 },
}

-- Thousandths: figures are floats.
local function test_of(question, expression)
  local lines = { ("      - expr: %s"):format(json.encode("round(1000 * (" .. expression .. "))")),
    "        eval_time: 90m", "        exp_samples:" }
  for labels, value in pairs(answers[question]) do
    lines[#lines + 1] = ("          - { labels: '%s', value: %.0f }"):format(labels, value * 1000)
  end
  return table.concat(lines, "\n")
end

local function tests()
  local lines = { "evaluation_interval: 1m", "tests:", "  - interval: 1m", "    input_series:" }
  for name, values in pairs(series) do
    lines[#lines + 1] = ("      - { series: '%s', values: '%s' }"):format(name, values)
  end
  lines[#lines + 1] = "    promql_expr_test:"
  for _, pair in ipairs(questions()) do
    assert(answers[pair[1]], pair[1])
    lines[#lines + 1] = test_of(pair[1], pair[2])
  end
  return table.concat(lines, "\n") .. "\n"
end

local function expressions_of(dashboard)
  local found = {}
  for _, panel in ipairs(dashboard.panels) do
    for _, target in ipairs(panel.targets) do
      found[#found + 1] = target.expr
    end
  end
  return found
end

describe("for Prometheus", function()
  it("rules are well formed and do what their tests say", function()
    local code, said = promtool("check rules " .. RULES)
    assert.equal("0", code, said)
    assert.matches("SUCCESS: 11 rules found", said)
    code, said = promtool "test rules src/dist/prometheus/moonledger.rules.test.yml"
    assert.equal("0", code, said)
  end)

  it("the questions of README.md are answered by its lines", function()
    assert.equal(6, #questions())
    local folder <close> = helpers.folder()
    helpers.write_file(folder.path .. "/questions.yml", tests())
    local code, said = promtool("test rules " .. folder.path .. "/questions.yml")
    assert.equal("0", code, said)
  end)
end)

describe("for Grafana the dashboard", function()
  local dashboard = json.decode(assert(helpers.read_file "src/dist/grafana/moonledger.json"))

  it("asks in PromQL that promtool understands", function()
    local rules = { "groups:", "  - name: dashboard", "    rules:" }
    for i, expression in ipairs(expressions_of(dashboard)) do
      local plain = expression:gsub("%$[%a_]+", ".*")
      rules[#rules + 1] = ("      - { record: 'panel:%d', expr: %s }"):format(i, json.encode(plain))
    end
    local folder <close> = helpers.folder()
    helpers.write_file(folder.path .. "/panels.yml", table.concat(rules, "\n") .. "\n")
    local code, said = promtool("check rules " .. folder.path .. "/panels.yml")
    assert.equal("0", code, said)
    assert.matches(("SUCCESS: %d rules found"):format(#rules - 3), said)
  end)

  it("and the rules ask for families that the server shows, by labels that those have", function()
    local s <close> = server.start()
    s:ingest { { request_id = "a", model = "m", duration_ms = 10, tokens_input = 5, cost_usd = 1,
      time_to_first_token_ms = 3, status_code = 500, error_type = "e" },
      { request_id = "b", model = "unheard-of", tokens_input = 5 } }
    s:signal "HUP" -- a reload is counted when there has been one
    local page = server.eventually(function()
      local body = s:get("/metrics").body
      return body:find("moonledger_reloads_total{", 1, true) and body
    end)
    local text = table.concat(expressions_of(dashboard), "\n") .. helpers.read_file(RULES)
    local seen = 0
    for name in text:gmatch "[%a_]+_[%a_]+" do
      if name:find "^ccproxy_" or name:find "^moonledger_" or name:find "^process_" then
        seen = seen + 1
        assert.truthy(page:find("\n" .. name .. "[{ ]"), name)
      end
    end
    assert.is_true(seen > 30)
    for labels in text:gmatch "by %(([%a_, ]+)%)" do
      for label in labels:gmatch "[%a_]+" do
        assert.truthy(page:find('[{,]' .. label .. '="'), label)
      end
    end
    s:stop()
  end)
end)
