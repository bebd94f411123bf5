--- moonledger backup, restore and verify, and their routes: src/store/upkeep/.
local answers = require "spec.helpers.answers"
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local records = require "spec.data.files.records"
local server = require "spec.helpers.server"

local FIRST, LAST = 1794960000, 1795305600
local BATCH = 200

--- Records of one body, all in the same window.
local function batch(number)
  local list = {}
  for i = 1, BATCH do
    list[i] = {
      request_id = ("load-%d-%d"):format(number, i), model = "m" .. i % 7,
      timestamp = FIRST + (number * BATCH + i) % 86400, service_type = "proxy",
      status_code = i % 9 == 0 and 500 or 200, duration_ms = i, cost_usd = 0.5, tokens_input = i,
      user = "u" .. i % 3, session_client_id = "s" .. number % 5,
    }
  end
  return json.lines(list)
end

--- Posts batches from `number` on until condition answers true of how many they were; the number
--- of the next one.
local function load_until(s, number, condition)
  local first = number
  repeat
    local response = s:post("/logs/ingest", batch(number),
      { ["content-type"] = "application/x-ndjson" })
    assert.equal(200, response.status, response.body)
    number = number + 1
  until condition(number - first)
  return number
end

local function work_has_ended(s)
  local state = s:get("/-/upkeep").json()
  return state.state ~= "running" and state
end

local function seen(state, name)
  for _, check in ipairs(state.checks) do
    if check.name == name then
      return check.seen
    end
  end
end

describe("a backup", function()
  local folder

  before_each(function() folder = helpers.temporary_folder() end)
  after_each(function() helpers.remove_folder(folder) end)

  local function run(database, ...)
    return server.run { "--database", folder .. "/" .. database, ... }
  end

  --- A server that has what was sent before the moment of a backup of so many rows: records, and
  --- whole batches in their order.
  local function twin(rows)
    local s = server.start()
    s:ingest(records.slice(0, records.count - 1))
    if rows > records.count then
      load_until(s, 0, function(n) return n == (rows - records.count) // BATCH end)
    end
    return s
  end

  it("that is made under load is one moment, and answers as the server did then", function()
    local s <close> = server.start {
      database = folder .. "/moon.db",
      config = ([[config.storage.backup_folder = %q
        config.storage.hot_days = 0 -- what the backup counts as rows are those of the file]])
        :format(folder .. "/backups"),
    }
    s:ingest(records.slice(0, records.count - 1))
    local sent = load_until(s, 0, function(n) return n == 20 end)
    local started = s:post "/-/backup"
    assert.equal(202, started.status, started.body)
    local state
    sent = load_until(s, sent, function()
      state = work_has_ended(s)
      return state
    end)
    assert.same({ "backup", "done", 0 }, { state.what, state.state, state.faults })
    local rows = seen(state, "rows")
    assert.equal(0, (rows - records.count) % BATCH)
    assert.is_true(rows >= records.count + 20 * BATCH and rows <= records.count + sent * BATCH)
    s:kill()
    assert.is_true(os.execute("rm " .. folder .. "/moon.db*"))

    assert.is_true(os.execute(("cd %s && sha256sum --quiet -c SHA256SUMS"):format(
      helpers.quote(state.folder))))
    local restored = run("moon.db", "restore", state.folder)
    assert.same({ 0, "" }, { restored.code, restored.stderr })
    local verified = run("moon.db", "verify", "--full")
    assert.same({ 0, "" }, { verified.code, verified.stderr })
    assert.truthy(verified.stdout:find "cells%s+%d+ seen, fine", verified.stdout)
    local back <close> = server.start { database = folder .. "/moon.db" }
    local same <close> = twin(rows)
    assert.same(answers.of(same, FIRST, LAST), answers.of(back, FIRST, LAST))
    -- Ids are known, and it goes on.
    local told = back:ingest(records.slice(0, records.count - 1))
    assert.same({ 0, records.count }, { told.accepted, told.merged })
    back:stop()
  end)

  describe("of a small database", function()
    before_each(function()
      local s <close> = server.start {
        database = folder .. "/moon.db",
        config = "config.storage.hot_days = 0", -- one file, whenever a day would be sealed
      }
      s:ingest(records.slice(0, records.count - 1))
      s:stop()
    end)

    it("refuses in words what cannot be", function()
      assert.equal(0, run("moon.db", "backup", folder .. "/copy").code)
      local whole = run("moon.db", "verify", "--full").stdout
      assert.truthy(whole:find(("ids +%d seen, fine"):format(records.count)), whole)
      os.execute("mkdir " .. folder .. "/empty")
      helpers.write_file(folder .. "/file", "x")
      for _, case in ipairs {
        { { "moon.db", "backup", folder .. "/copy" }, "copy: File exists; name another place" },
        { { "moon.db", "backup", folder .. "/file/copy" }, "file/?.*Not a directory" },
        { { "moon.db", "backup", "/proc/copy" }, "/proc/copy: needs %d+ bytes and its disk has 0" },
        { { "moon.db", "backup" }, "expected a folder: moonledger backup FOLDER", 2 },
        { { "none.db", "backup", folder .. "/none" }, "none.db: No such file or directory" },
        { { "none.db", "restore", folder .. "/empty" },
          "empty/SHA256SUMS: No such file or directory; name the folder of a backup" },
        { { "moon.db", "restore", folder .. "/copy" },
          "moon.db: stands where the database goes; move it away" },
        { { "none.db", "verify" }, "none.db: No such file or directory" },
      } do
        local refused = run(table.unpack(case[1]))
        assert.equal(case[3] or 1, refused.code)
        assert.truthy(refused.stderr:find("^moonledger: .*" .. case[2]), refused.stderr)
      end
      assert.is_nil(helpers.read_file(folder .. "/none.unfinished/SHA256SUMS"))
    end)

    it("that was damaged or is another is not restored", function()
      assert.equal(0, run("moon.db", "backup", folder .. "/copy").code)
      local path = folder .. "/copy/moon.db"
      local bytes = helpers.read_file(path)
      helpers.write_file(path, bytes:sub(1, 70000) .. "!" .. bytes:sub(70002))
      local refused = run("new.db", "restore", folder .. "/copy")
      assert.equal(1, refused.code)
      assert.truthy(refused.stderr:find "moon.db: not what was written", refused.stderr)
      assert.is_nil(helpers.read_file(folder .. "/new.db"))
      assert.is_nil(helpers.read_file(folder .. "/new.db-restore"))
    end)

    it("that lists files elsewhere is not restored", function()
      assert.equal(0, run("moon.db", "backup", folder .. "/copy").code)
      local sums = folder .. "/copy/SHA256SUMS"
      local honest = helpers.read_file(sums)
      for _, name in ipairs { "../moon.db", "/etc/passwd", "x.cold/../../victim",
        ".cold/victim" } do
        helpers.write_file(sums, honest .. honest:sub(1, 64) .. "  " .. name .. "\n")
        local refused = run("new.db", "restore", folder .. "/copy")
        assert.equal(1, refused.code, name)
        assert.truthy(refused.stderr:find("SHA256SUMS: ", 1, true), refused.stderr)
        assert.is_nil(helpers.read_file(folder .. "/new.db"))
      end
    end)

    it("that was killed looks like none, and the next one goes there", function()
      os.execute(("mkdir -p %s/copy.unfinished/moon.cold/day=2026-01-01"):format(folder))
      helpers.write_file(folder .. "/copy.unfinished/moon.db", "half of a database")
      assert.equal(1, run("new.db", "restore", folder .. "/copy.unfinished").code)
      assert.equal(0, run("moon.db", "backup", folder .. "/copy").code)
      assert.same({ "SHA256SUMS", "moon.db" },
        helpers.lines_of("ls " .. folder .. "/copy; ls -d " .. folder .. "/*.unfinished 2>&-"))
    end)

    it("fits the disk or is refused in words", function()
      local disk = folder .. "/disk"
      os.execute("mkdir " .. disk)
      if not os.execute(("mount -t tmpfs -o size=100k none %s 2>&-"):format(disk)) then
        pending "no disk of one's own can be mounted here"
      end
      local refused = run("moon.db", "backup", disk .. "/copy")
      local left = helpers.lines_of("ls -A " .. disk)
      os.execute("umount " .. disk)
      assert.equal(1, refused.code)
      assert.truthy(refused.stderr:find
        "copy: needs %d+ bytes and its disk has %d+; make room or name another place",
        refused.stderr)
      assert.same({}, left)
    end)

    it("is verified, and damage has an exit code", function()
      local fine = run("moon.db", "verify")
      assert.same({ 0, "" }, { fine.code, fine.stderr })
      assert.truthy(fine.stdout:find "pages%s+%d+ seen, fine", fine.stdout)
      local bytes = helpers.read_file(folder .. "/moon.db")
      local page = 16384
      helpers.write_file(folder .. "/moon.db",
        bytes:sub(1, 3 * page) .. ("\x5a"):rep(page) .. bytes:sub(4 * page + 1))
      local wrong = run("moon.db", "verify")
      assert.equal(3, wrong.code)
      assert.truthy(wrong.stdout:find "%d+ wrong: .*: restore a backup\n",
        wrong.stdout)
    end)

    it("is not fine when it is empty", function()
      helpers.write_file(folder .. "/moon.db", "")
      local wrong = run("moon.db", "verify")
      assert.equal(3, wrong.code)
      assert.truthy(wrong.stdout:find "the file is empty: restore a backup\n", wrong.stdout)
      local refused = run("moon.db", "query")
      assert.equal(1, refused.code)
      assert.truthy(refused.stderr:find "the file is empty: restore a backup\n", refused.stderr)
    end)
  end)

  it("needs a folder, admin's scope and nothing else under way", function()
    local s <close> = server.start {
      config = 'config.tokens = { { token = "reads-all-day", scopes = { "read" } } }',
    }
    assert.equal(401, s:post("/-/backup").status)
    assert.equal(403, s:request { method = "GET", path = "/-/upkeep",
      headers = { authorization = "Bearer reads-all-day" } }.status)
    s:stop()
    local open <close> = server.start()
    local none = open:post "/-/backup"
    assert.equal(409, none.status)
    assert.truthy(none.body:find "storage.backup_folder in config.lua names no folder")
    assert.same({ what = json.null, state = "none" }, open:get("/-/upkeep").json())
    assert.equal(202, open:post("/-/verify").status)
    local state = helpers.eventually(function() return work_has_ended(open) end)
    assert.same({ "verify", "done", 0 }, { state.what, state.state, state.faults })
    open:stop()
  end)
end)
