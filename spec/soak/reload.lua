--- A minute of wrk on 64 connections while a route flips between two versions every
--- 100 ms, then 500 reloads with a broken file in between each:
---   busted spec/soak/reload.lua   ($SOAK_SECONDS, $WORKERS)
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"
local socket = require "socket"

local SECONDS = tonumber(os.getenv "SOAK_SECONDS") or 60
local ROUTE = [[
local version = "%s"
return { summary = "Flips.", handle = function()
  return { json = { version = version, again = version } }
end }
]]

-- wrk calls response() for every answer: one whose two halves differ is mixed.
local CHECK = [[
mixed = 0
function setup(thread)
  thread:set("mixed", 0)
  threads = threads or {}
  table.insert(threads, thread)
end
function response(status, headers, body)
  local version, again = body:match '"again":"(%a+)","version":"(%a+)"'
  if status ~= 200 or version ~= again or not version then mixed = mixed + 1 end
end
function done(summary)
  local bad = 0
  for _, thread in ipairs(threads) do bad = bad + thread:get "mixed" end
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  print(("answers=%d mixed=%d failed=%d"):format(summary.requests, bad, failed))
end
]]

local function resident_kib(s)
  return tonumber(helpers.read_file("/proc/" .. s.pid .. "/status"):match "VmRSS:%s+(%d+)")
end

local function save(path, text)
  helpers.write_file(path .. ".tmp", text)
  assert(os.rename(path .. ".tmp", path))
end

describe("reloads for a long time", function()
  local s, path
  setup(function()
    s = server.start {
      config =
        'config.features.reload_enabled = true table.insert(config.routes, { "GET", "/flip", '
          .. '"routes.flip" })',
      files = { ["lua/routes/flip.lua"] = ROUTE:format "one" },
    }
    path = s.root .. "/lua/routes/flip.lua"
  end)
  teardown(function() s:stop() end)

  it("fail no request under wrk and leave no memory behind", function()
    helpers.write_file(s.folder .. "/check.lua", CHECK)
    local wrk =
      assert(
        io.popen(("wrk -t1 -c64 -d%ds -s %s/check.lua %s/flip"):format(SECONDS, s.folder, s.url)))
    local deadline, turn, early = socket.gettime() + SECONDS, 0, nil
    while socket.gettime() < deadline do
      turn = turn + 1
      save(path, ROUTE:format(turn % 2 == 0 and "one" or "two"))
      socket.sleep(0.1)
      if not early and turn > 50 then
        early = resident_kib(s)
      end
    end
    local output = wrk:read "a"
    wrk:close()
    local answers, mixed, failed = output:match "answers=(%d+) mixed=(%d+) failed=(%d+)"
    print(output:match "answers=.-\n", "reloads", select(2, s:log():gsub("msg=reloaded", "")),
      "resident KiB after 5 s and at the end", early, resident_kib(s))
    assert.is_true(tonumber(answers) > turn)
    assert.same({ "0", "0" }, { mixed, failed })
    assert.is_true(not early or resident_kib(s) < early + 4096)
  end)

  it("go on after 500 broken files", function()
    local before
    for i = 1, 500 do
      save(path, "return {")
      assert.is_true(s:post("/-/reload").status >= 400)
      save(path, ROUTE:format(i % 2 == 0 and "one" or "two"))
      assert.equal(200, s:post("/-/reload").status)
      assert.equal(200, s:get("/flip").status)
      before = before or i > 50 and resident_kib(s)
    end
    print("resident KiB after 50 and 500 reloads", before, resident_kib(s))
    assert.is_true(resident_kib(s) < before + 4096)
  end)
end)
