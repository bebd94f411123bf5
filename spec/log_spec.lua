--- Lines on standard error: well-formed, and never waited for.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"
local server = require "spec.helpers.server"

local SPEAK = [[
local log = require "log"
return { summary = "Speaks.", handle = function(req)
  for _ = 1, tonumber(req.query) or 1 do
    log.info("spoken " .. ("x"):rep(1000))
  end
  log.info("bytes \xFF\xC3", { ["a\"b=\n"] = "\xE2\x82", nan = 0 / 0, euro = "\u{20AC}" })
  return { json = {} }
end }]]

local function start(options)
  options.config = (options.config or "")
    .. '\ntable.insert(config.routes, { "GET", "/speak", "routes.speak" })'
  options.files = { ["lua/routes/speak.lua"] = SPEAK }
  return server.start(options)
end

describe("the log", function()
  it("is UTF-8 and JSON, whatever scripts say", function()
    local s <close> = start { config = 'config.log = { format = "json" }' }
    assert.equal(200, s:get("/speak").status)
    local said
    for line in s:log():gmatch "[^\n]+" do
      assert.truthy(utf8.len(line), line)
      local fields = json.decode(line)
      said = fields.msg:find "^bytes" and fields or said
    end
    assert.equal("bytes \u{FFFD}\u{FFFD}", said.msg)
    assert.equal("\u{FFFD}\u{FFFD}", said['a"b=\n'])
    assert.equal("\u{20AC}", said.euro)
  end)

  it("is one line a call in logfmt", function()
    local s <close> = start {}
    assert.equal(200, s:get("/speak").status)
    assert.truthy(utf8.len(s:log()))
    assert.truthy(s:log():find(' a_b__="\u{FFFD}', 1, true), s:log())
  end)

  it("that nobody reads is dropped and counted, and goes on when it is read", function()
    local folder = helpers.temporary_folder()
    local pipe = folder .. "/pipe"
    os.execute("mkfifo " .. pipe)
    local s <close> = start {
      wrap = { "sh", "-c", 'exec 3<>"$0"; exec "$@" 2>"$0"', pipe },
    }
    local function read()
      local file = assert(io.popen(("timeout 0.2 cat %s"):format(pipe)))
      local text = file:read "a"
      file:close()
      return text
    end
    local function dropped()
      return tonumber(s:get("/metrics").body:match "\nmoonledger_log_dropped_total (%d+)\n")
    end
    assert.equal(0, dropped())
    assert.equal(200, s:get("/speak?500").status)
    assert.truthy(dropped() > 100)
    read()
    local before = dropped()
    assert.equal(200, s:get("/speak?1").status)
    assert.equal(before, dropped())
    assert.truthy(read():find "time=[^\n]*spoken[^\n]*\n")
    s:stop()
    helpers.remove_folder(folder)
  end)
end)
