--- Reloads under load: no failed request, no answer made of two versions, nothing left behind.
---
--- $FLIPS makes it longer than the suite wants it (spec/soak).
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"
local socket = require "socket"

local FLIPS = tonumber(os.getenv "FLIPS") or 20
local CONNECTIONS, FLIP_SECONDS = 64, 0.1
local GET = "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"

-- The version stands in a module that the route reads when it is loaded, when it
-- begins to answer and after a wait.
local FILES = {
  ["lua/lib/number.lua"] = "return { value = 1 }",
  ["lua/routes/flip.lua"] = [[
    local loaded = require "lib.number".value
    return { summary = "Says its version three times.", handle = function()
      local begun = require "lib.number".value
      sleep(3)
      return { json = { loaded, begun, require "lib.number".value } }
    end }]],
}

local function save(path, text)
  helpers.write_file(path .. ".tmp", text)
  assert(os.rename(path .. ".tmp", path))
end

-- What the clients found in so many flips, and after them until three versions have
-- been served: how many of each fault.
local function run(connections, flips, flip)
  local found = { failed = 0, mixed = 0, versions = {}, served = 0 }
  local deadline, next_flip = socket.gettime() + helpers.SECONDS, 0
  while flips > 0 or found.served < 3 and socket.gettime() < deadline do
    if socket.gettime() > next_flip then
      flip()
      flips = flips - 1
      next_flip = socket.gettime() + FLIP_SECONDS
    end
    for _, connection in ipairs(connections) do
      connection:send(GET:format "/flip")
    end
    for _, connection in ipairs(connections) do
      local response = connection:response()
      if not response or response.status ~= 200 then
        found.failed = found.failed + 1
      else
        local answer = response.json()
        found.served = found.served + (found.versions[answer[1]] and 0 or 1)
        found.versions[answer[1]] = true
        if answer[1] ~= answer[2] or answer[2] ~= answer[3] then
          found.mixed = found.mixed + 1
        end
      end
    end
  end
  return found
end

for workers = 1, 2 do
  describe("a route that flips between versions under load, with " .. workers .. " loops",
      function()
    local s, connections
    lazy_setup(function()
      s = server.start {
        workers = workers, files = FILES,
        config = 'table.insert(config.routes, { "GET", "/flip", "routes.flip" })',
      }
      connections = {}
      for i = 1, CONNECTIONS do
        connections[i] = s:raw()
      end
    end)
    lazy_teardown(function()
      for _, connection in ipairs(connections) do
        connection:close()
      end
      s:stop()
    end)

    it("fails no request and mixes no answer", function()
      local version = 1
      local function flip()
        version = version + 1
        save(s.root .. "/lua/lib/number.lua", ("return { value = %d }"):format(version))
      end
      local found = run(connections, FLIPS, flip)
      assert.same({ failed = 0, mixed = 0 }, { failed = found.failed, mixed = found.mixed })
      assert.is_true(found.served >= 3, found.served .. " versions served")
    end)

    it("keeps answering while every other save is broken, in bounded memory", function()
      local turn = 0
      local function flip()
        turn = turn + 1
        save(s.root .. "/lua/lib/number.lua", turn % 2 == 0 and "return {"
          or ("return { value = %d }"):format(turn))
      end
      run(connections, FLIPS // 2, flip)
      local before = s:resident_kib()
      local found = run(connections, FLIPS, flip)
      assert.same({ failed = 0, mixed = 0 }, { failed = found.failed, mixed = found.mixed })
      local grown = s:resident_kib() - before
      -- TSan's own memory grows with what was ever allocated.
      assert.is_true(grown < 8192 or os.getenv "SANITIZE" == "thread", grown .. " KiB more")
    end)
  end)
end
