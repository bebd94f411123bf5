--- The service: what systemd is told, how much the unit gives it, and the package's parts.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"
local unix = require "socket.unix"

-- A service manager's socket; take(text) waits for that datagram and answers what came before.
local function manager(folder)
  local socket = assert(unix.dgram())
  local path = folder .. "/notify"
  assert(socket:bind(path))
  socket:settimeout(helpers.SECONDS)
  local self = { path = path }
  function self.take(text)
    local before = {}
    while true do
      local datagram = assert(socket:receive())
      if datagram == text then
        return before
      end
      before[#before + 1] = datagram
    end
  end
  function self.close() socket:close() end
  return self
end

describe("the service", function()
  it("tells its manager that it is ready, lives and stops", function()
    local folder <close> = helpers.folder()
    local systemd = manager(folder.path)
    local s <close> = server.start { env = {
      NOTIFY_SOCKET = systemd.path, WATCHDOG_USEC = "100000",
    } }
    assert.same({}, systemd.take "READY=1")
    for _ = 1, 3 do
      systemd.take "WATCHDOG=1"
    end
    s:signal "TERM"
    for _, datagram in ipairs(systemd.take "STOPPING=1") do
      assert.equal("WATCHDOG=1", datagram)
    end
    s:wait()
    systemd.close()
  end)

  it("leaves a watchdog alone that waits for another process", function()
    local folder <close> = helpers.folder()
    local systemd = manager(folder.path)
    local s <close> = server.start { env = {
      NOTIFY_SOCKET = systemd.path, WATCHDOG_USEC = "2000", WATCHDOG_PID = "1",
    } }
    s:get "/health/live"
    s:signal "TERM"
    assert.same({ "READY=1" }, systemd.take "STOPPING=1")
    s:wait()
    systemd.close()
  end)

  it("has a unit that systemd rates under 3", function()
    local said = table.concat(helpers.lines_of(
      "systemd-analyze security --no-pager --offline=yes --threshold=30 "
        .. "src/dist/moonledger.service; echo $?"), "\n")
    assert.matches("Overall exposure level for moonledger.service: [012]%.%d OK", said)
    assert.matches("\n0$", said)
  end)

  it("has settings of its own that are fine", function()
    local said = server.run { "check", "src/dist/config.lua" }
    assert.same({ 0, "" }, { said.code, said.stderr })
    assert.truthy(helpers.read_file("src/dist/config.lua"):find("/var/lib/moonledger", 1, true))
  end)

  it("has scripts without a mistake that sh finds", function()
    for _, script in ipairs { "deb/postinst", "deb/prerm", "deb/postrm", "test-install.sh" } do
      assert.same({}, helpers.lines_of("sh -n src/dist/" .. script .. " 2>&1"))
    end
  end)
end)
