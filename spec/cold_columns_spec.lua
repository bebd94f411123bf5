--- A column that lua/schema.lua has lost is sealed with the rest, and is there when it comes back.
local cold_server = require "spec.helpers.cold"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local HAS_DUCKDB = helpers.read_file "spec/node_modules/@duckdb/node-api/package.json" ~= nil
local DAY, ROWS = 86400, 80
local FIRST = os.time() // DAY * DAY - 10 * DAY

local OWN = [[
  { "label", "string" },
  { "depth", "integer" },
  { "weight", "%s" },
  { "flag", "boolean", default = true },
]]

local ALL = "SELECT request_id, label, depth, weight, flag, extra FROM rows ORDER BY rowid"

local function schema_with(columns)
  local shipped = assert(helpers.read_file "lua/schema.lua")
  local before, behind = shipped:match "^(.-\n)(  %-%- Who spent it.*)$"
  return before .. columns .. behind
end

local function record(i)
  return {
    request_id = "c" .. i, timestamp = FIRST + i % 2 * DAY + i * 60, tokens_input = i,
    label = i % 3 ~= 0 and "läbel " .. i or nil, depth = i % 5, weight = i / 7,
    flag = i % 2 == 0,
  }
end

--- What an entry shows of a record.
local function shown(i)
  local r = record(i)
  return { r.label or "", r.depth, r.weight, r.flag }
end

describe("a column that the schema has lost", function()
  local folder, s

  local function start(hot_days, columns)
    s = cold_server.start(folder.path .. "/c.db", hot_days, schema_with(columns))
  end

  local function send(first, last)
    local list = {}
    for i = first, last do
      list[#list + 1] = record(i)
    end
    return s:ingest(list)
  end

  local function sql(text)
    return cold_server.sql(s, text)
  end

  local function parts(condition)
    return sql("SELECT count(*) AS n FROM parts WHERE " .. condition)[1].n
  end

  local function sealed()
    helpers.eventually(function()
      return parts "state = 1 AND taken_time = 9223372036854775807" == 2 and parts "1" == 2
    end)
  end

  local function entry(i)
    local row = s:get("/logs/entries/c" .. i).json()
    return { row.label, row.depth, row.weight, row.flag }
  end

  local function duckdb(text)
    return helpers.lines_of(("node spec/clients/parts.js %s %s 2>&1"):format(
      helpers.quote(folder.path .. "/c.cold/*/*.parquet"), helpers.quote(text)))
  end

  setup(function() folder = helpers.folder() end)
  teardown(function()
    if s then s:stop() end
    helpers.remove_folder(folder.path)
  end)

  it("is sealed as the table holds it", function()
    start(0, OWN:format "float")
    send(1, ROWS)
    s:stop()
    start(0, "")
    local before = sql(ALL)
    s:stop()
    start(2, "")
    sealed()
    assert.equal(0, sql("SELECT count(*) AS n FROM main.rows")[1].n)
    assert.same(before, sql(ALL))
  end)

  it("comes back into the table with a row that is merged, and stays in a part that is made anew",
    function()
      local before = sql(ALL)
      local first = sql("SELECT max(part) AS n FROM parts")[1].n
      local changed = {}
      for i = 2, ROWS // 4, 2 do -- an eighth of one day
        changed[#changed + 1] = { request_id = "c" .. i, timestamp = record(i).timestamp + 1,
          tokens_output = 7 }
      end
      assert.equal(#changed, s:ingest(changed).merged)
      assert.same(before, sql(ALL))
      helpers.eventually(function() return parts("part > " .. first) == 1 end)
      sealed()
      assert.same(before, sql(ALL))
    end)

  it("is read by others, beside what was told of merged rows", function()
    if not HAS_DUCKDB then
      return pending "npm ci --prefix spec has not run"
    end
    local found = duckdb(([[SELECT label, depth, weight, flag FROM parts
      WHERE request_id = 'c%d']]):format(ROWS - 1))
    local i = ROWS - 1
    assert.same({ { label = "läbel " .. i, depth = i % 5, weight = i / 7, flag = 0 } },
      { json.decode(found[1]) })
    assert.same({ '{"n":' .. ROWS - #sql "SELECT 1 FROM main.rows" .. "}" },
      duckdb "SELECT count(*) AS n, FROM (SELECT DISTINCT * FROM parts)")
  end)

  it("is read when it comes back, with what was told meanwhile", function()
    send(ROWS + 1, ROWS + 3)
    s:stop()
    start(2, OWN:format "float")
    helpers.eventually(function() return s:log():find "columns are filled from extra" end)
    for _, i in ipairs { 1, 2, 3, 5, 8, ROWS - 1, ROWS, ROWS + 1, ROWS + 2, ROWS + 3 } do
      assert.same(shown(i), entry(i), i)
    end
  end)

  it("is read by another type", function()
    s:stop()
    start(2, OWN:format "string")
    assert.equal("5.0", s:get("/logs/entries/c35").json().weight)
    assert.equal(0, server.run({ "--database", folder.path .. "/c.db", "verify" }).code)
  end)
end)
