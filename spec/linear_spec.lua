--- Whatever a request holds, what it costs grows no faster than its size: bytes of
--- many kinds, repeated, in every place that a client can fill.
local cpu = require "spec.helpers.cpu"
local server = require "spec.helpers.server"

-- What patterns, parsers and scanners may stumble over.
local UNITS = {
  "+", "%20", "%09", "0", "9", "1_", "_", ",", "a,", "!a,", "a*,", "*", "-", "1-", "1-2,", ".",
  "1.", "e", "1e", "&", "=", "&a=", "a=1&", "%", "%F0", "%ff", "%E3%80%80", "/", "a/", "..", "'",
  '"', "[", "{", "(", ":", ":1", "@", "%5C", "~",
}

local PLACES = {
  -- one parameter of each kind, and those with readers of their own
  { "/logs/query?limit=" }, { "/logs/query?start_time=" }, { "/logs/query?model=" },
  { "/logs/query?limit=1", "x" }, { "/logs/query?status_code=" }, { "/logs/query?request_id=" },
  { "/logs/entries?cursor=" }, { "/logs/entries?min_duration_ms=" }, { "/logs/query?" },
  { "/logs/query?limit=+", "+x" }, { "/logs/export?format=" }, { "/logs/" }, { "/dashboard/" },
}

local HEADERS = {
  "Accept", "Accept-Encoding", "Authorization", "Content-Type", "Content-Encoding", "Cookie",
  "Expect", "If-None-Match", "If-Modified-Since", "Last-Event-ID", "Origin", "Range", "Host",
  "Referer", "Access-Control-Request-Headers", "Sec-Fetch-Site", "Connection", "X",
}

local HEADER_UNITS = { " ", "\t", ",", ", ", ";", "a,", "gzip;q=0,", '"', "W/", "=", "1-2,", "a",
  "%20", "Bearer ", "keep-alive,", "." }

-- of the limits of a request line and of the headers
local TARGET, HEADER = 1900, 7500

local CONFIG = "config.script.total_cpu_ms = 20000"

describe("what a request costs", function()
  local s, smallest
  setup(function()
    s = server.start { config = CONFIG }
    local function ask()
      s:get "/logs/query?limit=1"
    end
    ask()
    cpu.watch(s.pid)
    smallest = cpu.cost(s, ask, 20)
  end)
  teardown(function() s:stop() end)

  local function assert_linear(what, n, ask)
    local ratio = cpu.grows_faster(s, ask, n, smallest)
    assert.is_nil(ratio, ("%s: four times as much costs %.1f times"):format(what, ratio or 0))
  end

  local function exchange(bytes)
    local connection <close> = s:raw(bytes)
    connection:response()
  end

  it("grows with its target", function()
    for _, place in ipairs(PLACES) do
      for _, unit in ipairs(UNITS) do
        assert_linear(place[1] .. unit .. "...", TARGET // #unit, function(n)
          exchange(("GET %s%s%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            :format(place[1], unit:rep(n), place[2] or ""))
        end)
      end
    end
  end)

  it("grows with its headers", function()
    for _, header in ipairs(HEADERS) do
      for _, unit in ipairs(HEADER_UNITS) do
        assert_linear(header .. ": " .. unit .. "...", HEADER // #unit, function(n)
          local host = header == "Host" and "" or "Host: localhost\r\n"
          exchange(("GET /logs/query?limit=1 HTTP/1.1\r\n%s%s: x%sx\r\n\r\n")
            :format(host, header, unit:rep(n)))
        end)
      end
    end
  end)
end)
