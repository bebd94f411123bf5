local server = require "spec.helpers.server"

-- id, model, service type, endpoint, status, session
local ROWS = {
  { "a", "claude-opus", "proxy", "/v1/messages", 200, "s1" },
  { "b", "claude-haiku", "sdk", "/v1/messages", 429, "s2" },
  { "c", "gpt-5", "proxy", "/v1/chat", 500, "s1" },
  { "d", "claude-*", "", "/v1/chat", 503, "t1" },
}

local function records()
  local list = {}
  for i, row in ipairs(ROWS) do
    list[i] = {
      request_id = row[1], model = row[2], service_type = row[3], endpoint = row[4],
      status_code = row[5],
      session_client_id = row[6], timestamp = os.time() - 10 + i,
    }
  end
  return list
end

local CASES = {
  { "endpoint=/v1/m*", "ab" },
  { "endpoint=/v1/chat", "cd" },
  { "endpoint=!/v1/chat", "ab" },
  { "session_client_id=s*", "abc" },
  { "session_client_id=s*,!s2", "ac" },
  { "session_client_id=!s*", "d" },
  { "status_code=429,500-503", "bcd" },
  { "status_code=200", "a" },
  { "status_code=", "abcd" },
  { "status_code=500-", nil },
  { "status_code=x", nil },
  { "status_code=503-500", nil },
  { "endpoint=*&status_code=0-499", "ab" },
}

-- Where Part 1 of the contract has the name, a * is an ordinary character.
local OWN = {
  { "entries", "model=claude-*", "abd" },
  { "entries", "model=!claude-*", "c" },
  { "entries", "service_type=pro*", "" },
  { "query", "model=claude-*", "d" },
  { "export", "model=claude-*,!claude-h*", "ad" },
  { "export", "service_type=p*", "ac" },
}

local function ids(response, list)
  local found = {}
  for _, row in ipairs(response.json()[list]) do
    found[#found + 1] = row.request_id
  end
  table.sort(found)
  return table.concat(found)
end

describe("the common filters", function()
  local s
  lazy_setup(function()
    s = server.start()
    s:ingest(records())
  end)
  lazy_teardown(function() s:stop() end)

  local function exported(query)
    local found = {}
    for id in s:get("/logs/export?format=ndjson&" .. query).body:gmatch '"request_id":"(%w+)"' do
      found[#found + 1] = id
    end
    table.sort(found)
    return table.concat(found)
  end

  for _, case in ipairs(CASES) do
    local query, expected = case[1], case[2]
    it("reads " .. query .. " the same way everywhere", function()
      if not expected then
        for _, path in ipairs { "/logs/query", "/logs/entries", "/logs/analytics", "/logs/export",
            "/logs/stream" } do
          assert.equal(422, s:get(path .. "?" .. query).status)
        end
        return
      end
      assert.equal(expected, ids(s:get("/logs/query?" .. query), "results"))
      assert.equal(expected, ids(s:get("/logs/entries?" .. query), "entries"))
      assert.equal(#expected, s:get("/logs/analytics?" .. query).json().summary.total_requests)
      assert.equal(expected, exported(query))
    end)
  end

  it("hold as many alternatives as a request does", function()
    local codes, prefixes, names = {}, {}, {}
    for i = 1, 1200 do
      codes[i], prefixes[i], names[i] = 1000 + 2 * i, i .. "*", i
    end
    for query, expected in pairs {
      ["status_code=429,500," .. table.concat(codes, ",")] = "bc",
      ["endpoint=/v1/m*," .. table.concat(prefixes, ",")] = "ab",
      ["endpoint=!/v1/m*,!" .. table.concat(prefixes, ",!")] = "cd",
      ["endpoint=/v1/chat," .. table.concat(names, ",")] = "cd",
    } do
      assert.equal(expected, ids(s:get("/logs/query?" .. query), "results"))
      assert.equal(expected, exported(query))
      assert.equal(2, s:get("/logs/analytics?" .. query).json().summary.total_requests)
    end
  end)

  for _, case in ipairs(OWN) do
    it(("reads %s of %s"):format(case[2], case[1]), function()
      local path = "/logs/" .. case[1] .. "?" .. case[2]
      local found = case[1] == "export" and exported(case[2])
        or ids(s:get(path), case[1] == "query" and "results" or "entries")
      assert.equal(case[3], found)
    end)
  end

  it("keep their place in a cursor", function()
    local page = s:get("/logs/query?limit=1&endpoint=/v1/*&status_code=400-599").json()
    local again = "/logs/query?limit=1&endpoint=/v1/*&status_code=400-599&cursor="
      .. page.next_cursor
    assert.equal("c", s:get(again).json().results[1].request_id)
    assert.equal(422,
      s:get("/logs/query?limit=1&endpoint=/v1/c*&cursor=" .. page.next_cursor).status)
  end)

  it("narrow a stream", function()
    local stream = s:stream("/logs/stream?endpoint=/v1/m*&status_code=400-499")
    stream:event()
    s:ingest {
      { request_id = "e", endpoint = "/v1/chat", status_code = 404 },
      { request_id = "f", endpoint = "/v1/messages", status_code = 500 },
      { request_id = "g", endpoint = "/v1/messages", status_code = 404 },
    }
    assert.equal("g", stream:event().json.data.request_id)
    stream:close()
  end)
end)
