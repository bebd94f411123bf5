-- The house of src/README.md, read from the #includes: which room may know which, and what a
-- room shows to others.
local helpers = require "spec.helpers"

--- What a room is built on; and on what those are built on.
local below = {
  base = {},
  loop = { "base" },
  record = { "base" },
  metrics = { "record" },
  store = { "loop", "record", "metrics" },
  net = { "base", "loop" },
  http = { "loop", "metrics" },
  hub = { "record", "metrics", "http" },
  script = { "store", "net", "hub" },
  app = { "script" }, -- the files that stand in src/ itself
}

--- The folders inside a room, and which others of it each may know.
local inside = {
  ["store/file"] = {},
  ["store/cold"] = { "store/file" },
  ["store/sync"] = { "store/file" },
  ["store/write"] = { "store/file", "store/cold", "store/sync" },
  ["store/read"] = { "store/file", "store/cold", "store/write" },
  ["store/seal"] = { "store/file", "store/cold", "store/write" },
  ["store/upkeep"] = { "store/file", "store/cold", "store/write" },
  ["script/engine"] = {},
  ["script/bindings"] = { "script/engine" },
  ["script/commands"] = { "script/engine" },
  ["script/reload"] = { "script/engine" },
}

--- What other rooms may include.  base/ is all for others.
local public = {
  ["loop/loop.h"] = true,
  ["record/condition.h"] = true,
  ["record/csv.h"] = true,
  ["record/json.h"] = true,
  ["record/json_repair.h"] = true,
  ["record/json_scan.h"] = true,
  ["record/merge.h"] = true,
  ["record/measure.h"] = true,
  ["record/content.h"] = true,
  ["record/ndjson.h"] = true,
  ["record/otlp.h"] = true,
  ["record/otlp_fields.h"] = true,
  ["record/record.h"] = true,
  ["record/schema.h"] = true,
  ["record/fields.h"] = true,
  ["record/sketch.h"] = true,
  ["record/timestamp.h"] = true,
  ["metrics/metrics.h"] = true,
  ["store/storage.h"] = true,
  ["net/allow.h"] = true,
  ["net/call.h"] = true,
  ["store/upkeep.h"] = true,
  ["net/http_client.h"] = true,
  ["net/inflate.h"] = true,
  ["net/net.h"] = true,
  ["net/url.h"] = true,
  ["http/connection.h"] = true,
  ["http/guard.h"] = true,
  ["http/request.h"] = true,
  ["http/router.h"] = true,
  ["http/server.h"] = true,
  ["http/site.h"] = true,
  ["hub/hub.h"] = true,
  ["hub/streams.h"] = true,
  ["script/commands.h"] = true,
  ["script/kv.h"] = true,
  ["script/notes.h"] = true,
  ["script/services.h"] = true,
  ["script/settings.h"] = true,
  ["script/engine/lua_list.h"] = true,
  ["script/engine/standalone.h"] = true,
  ["script/engine/schema_load.h"] = true,
  ["script/bindings/bindings.h"] = true,
  ["script/bindings/lua_content.h"] = true,
  ["script/reload/generations.h"] = true,
  ["script/reload/own.h"] = true,
}

--- Libraries, and who may include them.
local libraries = {
  ["sqlite3.h"] = { "^store/" },
  ["llhttp.h"] = { "^http/", "^net/" },
  ["ares.h"] = { "^net/resolve%.c$" },
  ["openssl/ssl.h"] = { "^net/" },
  ["lua.h"] = { "^script/", "^config[%w_]*%.[ch]$", "^command[%w_]*%.[ch]$" },
}
for _, name in ipairs { "lauxlib.h", "lualib.h", "lua-cjson.h" } do
  libraries[name] = libraries["lua.h"]
end

local MAX_COLUMNS = 100

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function room_of(path)
  return path:match "^([^/]+)/" or "app"
end

--- "store/write" of store/write/queue.c; nil of what stands in no folder of its room.
local function folder_of(path)
  return path:match "^([^/]+/[^/]+)/"
end

--- Whether from may know to, straight or by what lies between.
local function reaches(graph, from, to)
  if from == to then
    return true
  end
  for _, next_one in ipairs(graph[from] or {}) do
    if reaches(graph, next_one, to) then
      return true
    end
  end
  return false
end

--- { path = { "http/site.h", ".." } } of our own headers, and the same of the systems'.
local own, foreign, sources = {}, {}, {}
for _, path in ipairs(helpers.lines_of "find src -name '*.[ch]' | sort") do
  local name = path:sub(#"src/" + 1)
  sources[#sources + 1] = name
  own[name], foreign[name] = {}, {}
  for open, header in read(path):gmatch '\n#include ([<"])([^>"]+)[>"]' do
    table.insert(open == "<" and foreign[name] or own[name], header)
  end
end

local function each_include(complain)
  local found = {}
  for _, path in ipairs(sources) do
    for _, header in ipairs(own[path]) do
      local complaint = complain(path, header)
      if complaint then
        found[#found + 1] = ("src/%s includes %s: %s"):format(path, header, complaint)
      end
    end
  end
  return found
end

describe("the house", function()
  it("is read whole", function()
    assert.is_true(#sources > 100)
    for _, path in ipairs(sources) do
      assert.truthy(below[room_of(path)], path .. ": a room that this spec does not know")
      local folder = folder_of(path)
      assert.truthy(not folder or inside[folder], path .. ": a folder that this spec does not know")
    end
  end)

  it("has no arrow from a room to one above or beside it", function()
    assert.same({}, each_include(function(path, header)
      local from, to = room_of(path), room_of(header)
      return not reaches(below, from, to) and from .. " may not know " .. to
    end))
  end)

  it("has no arrow against the order of the folders in a room", function()
    assert.same({}, each_include(function(path, header)
      local from, to = folder_of(path), folder_of(header)
      if room_of(path) ~= room_of(header) or not to then
        return false
      elseif not from then -- a header of the whole room is what its folders share
        return path:sub(-2) == ".h" and "a room's own header may not know its folders"
      end
      return not reaches(inside, from, to) and from .. " may not know " .. to
    end))
  end)

  it("shows only the headers that are meant for others", function()
    assert.same({}, each_include(function(path, header)
      local from, to = room_of(path), room_of(header)
      local mine = from == to or to == "base" or to == "app"
      return not mine and not public[header] and "a private header"
    end))
  end)

  it("has every header that it names as public", function()
    for header in pairs(public) do
      assert.truthy(own[header], header)
    end
  end)

  it("has no circle of headers and files", function()
    local state, circles = {}, {}
    local function visit(header, trail)
      if state[header] == "open" then
        circles[#circles + 1] = trail .. " -> " .. header
      elseif not state[header] then
        state[header] = "open"
        for _, next_one in ipairs(own[header] or {}) do
          visit(next_one, trail .. " -> " .. header)
        end
        state[header] = "done"
      end
    end
    for _, path in ipairs(sources) do
      visit(path, "")
    end
    assert.same({}, circles)
  end)

  it("keeps each library in its room", function()
    local found = {}
    for _, path in ipairs(sources) do
      for _, header in ipairs(foreign[path]) do
        local allowed = not libraries[header]
        for _, pattern in ipairs(libraries[header] or {}) do
          allowed = allowed or path:find(pattern) ~= nil
        end
        if not allowed then
          found[#found + 1] = ("src/%s includes <%s>"):format(path, header)
        end
      end
    end
    assert.same({}, found)
  end)

  it("has no line of more than " .. MAX_COLUMNS .. " columns", function()
    local found = {}
    local files = helpers.lines_of [[find run CMakeLists.txt config.lua lua spec src static \
      \( -name node_modules -o -name vendor \) -prune -o -type f -print |
      grep -E '^(run|CMakeLists.txt)$|\.([ch]|lua|m?js|css|html)$']]
    assert.is_true(#files > 200)
    for _, path in ipairs(files) do
      local number = 0
      for line in io.lines(path) do
        number = number + 1
        if #line > MAX_COLUMNS and (utf8.len(line) or #line) > MAX_COLUMNS then
          found[#found + 1] = ("%s:%d"):format(path, number)
        end
      end
    end
    assert.same({}, found)
  end)
end)
