--- src/store/file/README.md: every file format that ever was opens and answers the same, and is
--- brought up to the newest on request.
local answers = require "spec.helpers.answers"
local helpers = require "spec.helpers"
local records = require "spec.data.files.records"
local server = require "spec.helpers.server"

local FOLDER = "spec/data/files/"
local FIRST, LAST = 1794960000, 1795305600
local FIRST_THAT_SHRINKS = 6

local function copy_of(fixture, folder)
  local path = folder .. "/fixture.db"
  local unpack = fixture:find "%.tar%.gz$" and "tar -xzf %s -C " .. folder
    or "gzip -dc %s > " .. helpers.quote(path)
  assert(os.execute(unpack:format(helpers.quote(FOLDER .. fixture))))
  return path
end

--- Requests, as the counters say that survive in the file.
local function counted(s)
  local sum = 0
  for count in s:get("/metrics").body:gmatch "\nccproxy_requests_total{[^\n]*} (%d+)" do
    sum = sum + tonumber(count)
  end
  return sum
end

local fixtures = helpers.lines_of("cd " .. FOLDER .. " && ls -v *.gz")

describe("a file of an older Moonledger", function()
  local folder, expected

  lazy_setup(function()
    local fresh <close> = server.start()
    fresh:ingest(records.slice(0, records.count - 1))
    expected = answers.of(fresh, FIRST, LAST)
    fresh:stop()
  end)
  before_each(function() folder = helpers.temporary_folder() end)
  after_each(function() helpers.remove_folder(folder) end)

  it("is there for every format", function()
    assert.is_true(#fixtures >= 10)
  end)

  for _, fixture in ipairs(fixtures) do
    it("opens, answers and counts as a new one does and knows its ids: " .. fixture, function()
      local s <close> = server.start { database = copy_of(fixture, folder) }
      assert.same(expected, answers.of(s, FIRST, LAST))
      assert.equal(records.count, counted(s))
      local told = s:ingest(records.slice(0, records.count - 1))
      assert.same({ 0, records.count }, { told.accepted, told.merged })
      assert.same(expected, answers.of(s, FIRST, LAST))
      s:stop()
      assert.equal(tonumber(fixture:match "^%d+") < FIRST_THAT_SHRINKS,
        s.final_log:find("moonledger upgrade", 1, true) ~= nil)
    end)
  end

  it("is upgraded on request, and then there is nothing left to say", function()
    local path = copy_of(fixtures[1], folder)
    local function upgrade(...)
      return server.run { "--database", path, "upgrade", ... }
    end
    local before = helpers.read_file(path)
    local told = upgrade()
    assert.same({ 0, "" }, { told.code, told.stderr })
    assert.truthy(told.stdout:find
      "needs %d+ KiB of disk beside it %(.- are free%) and takes about", told.stdout)
    assert.equal(before, helpers.read_file(path))
    local done = upgrade "--now"
    assert.same({ 0, "" }, { done.code, done.stderr })
    assert.equal(path .. ": nothing to do\n", upgrade().stdout)
    local s <close> = server.start { database = path }
    assert.same(expected, answers.of(s, FIRST, LAST))
    s:stop()
    assert.falsy(s.final_log:find "upgrade")
  end)

  it("is not upgraded under a server", function()
    local path = copy_of(fixtures[1], folder)
    local s <close> = server.start { database = path }
    local refused = server.run { "--database", path, "upgrade", "--now" }
    assert.equal(1, refused.code)
    assert.truthy(refused.stderr:find "another Moonledger serves this database; stop it",
      refused.stderr)
    s:stop()
  end)
end)
