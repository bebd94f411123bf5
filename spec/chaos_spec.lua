--- Load of all kinds while the server is killed, frozen, slowed, filled up, cut off and reloaded,
--- and its days are sealed and backed up: at the end nothing that was acknowledged is missing, and
--- every sum is that of an independent calculation.
--- $CHAOS_SECONDS and $CHAOS_SEED; ./run chaos SECONDS [SEED].
local helpers = require "spec.helpers"
local run = require "spec.chaos.run"

local SECONDS = tonumber(os.getenv "CHAOS_SECONDS") or 15
local SEED = tonumber(os.getenv "CHAOS_SEED") or os.time() % 1000000

-- { "model/team" = figures }, as the server has them.
local function figures_of(s)
  local found = {}
  local answer = s:get("/logs/breakdown?by=model,team&start_time=0&limit=1000").json()
  for _, group in ipairs(answer.groups) do
    found[group.model .. "/" .. group.team] = {
      requests = group.request_count, errors = group.error_requests, cost = group.total_cost_usd,
      input = group.total_tokens_input, output = group.total_tokens_output,
    }
  end
  return found
end

local function rows_by_id(s)
  local counts, rows = {}, 0
  for line in s:get("/logs/export?format=ndjson&start_time=0").body:gmatch "[^\n]+" do
    local id = line:match '"request_id":"([^"]+)"'
    counts[id] = (counts[id] or 0) + 1
    rows = rows + 1
  end
  return counts, rows
end

local function counted(s)
  local sum = 0
  for n in s:get("/metrics").body:gmatch "\nccproxy_requests_total{[^}]*} (%d+)" do
    sum = sum + n
  end
  return sum
end

local function summary_of(r)
  local words = {}
  for kind, times in pairs(r.happened) do
    words[#words + 1] = kind .. " " .. times
  end
  table.sort(words)
  return ("chaos: seed %d, %g s, %d rows in %d batches; %s"):format(SEED, SECONDS, r.ledger.rows,
    #r.ledger.batches, table.concat(words, ", "))
end

--- What a verification of every row, id and cell says.
local function faults_in(s)
  helpers.eventually(function()
    return s:post("/-/verify?full=true").status == 202
  end)
  local state
  helpers.eventually(function()
    state = s:get("/-/upkeep").json()
    return state.state ~= "running"
  end)
  assert.equal("done", state.state, state.error)
  return state.faults
end

describe("a server that all kinds of things happen to", function()
  it("has every acknowledged record once, and the right sums (seed " .. SEED .. ")", function()
    local folder <close> = helpers.folder()
    local r = run(SECONDS, SEED, folder.path)
    if os.getenv "CHAOS_SECONDS" then
      print(summary_of(r))
    end
    local counts, rows = rows_by_id(r.server)
    for _, batch in ipairs(r.ledger.batches) do
      for _, record in ipairs(batch.records) do
        assert.equal(1, counts[record.request_id], record.request_id)
      end
    end
    assert.equal(r.ledger.rows, rows)
    local expected, young = r.ledger:figures()
    assert.same(expected, figures_of(r.server))
    assert.equal(young, counted(r.server))
    assert.equal(0, faults_in(r.server))
    assert.is_true(#helpers.lines_of("find " .. folder.path .. " -name '*.parquet'") > 0)
    r.server:stop()
  end)
end)
