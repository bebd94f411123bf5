--- What the documents cite is there: files, functions of C and of Lua, tables, settings, routes.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local DOCUMENTS = {
  "README.md", "src/README.md", "lua/README.md", "lua/routes/README.md", "lua/commands/README.md",
  "src/dist/README.md", "spec/README.md", ".github/SECURITY.md", ".github/CONTRIBUTING.md",
  "lua/alerting/README.md",
}

local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do
    set[item] = true
  end
  return set
end

--- Prose: what stands in fences and behind four spaces shows files that its reader makes.
local function prose(text)
  return (("\n" .. text):gsub("\n```.-\n```", "\n"):gsub("\n    [^\n]*", "\n"))
end

local text_of = {}
local seen = { paths = 0, functions = 0, settings = 0, tables = 0, routes = 0, commands = 0 }
for _, name in ipairs(DOCUMENTS) do
  text_of[name] = prose(assert(helpers.read_file(name), name))
end

--- Calls check with every `span` of the documents, which answers what is wrong with it or nil.
local function complaints(check)
  local found = {}
  for _, name in ipairs(DOCUMENTS) do
    for span in text_of[name]:gmatch "`([^`\n]+)`" do
      local complaint = check(span, name)
      if complaint then
        found[#found + 1] = ("%s: `%s`: %s"):format(name, span, complaint)
      end
    end
  end
  return found
end

local function count(kind, complaint)
  seen[kind] = seen[kind] + 1
  return complaint or nil
end

local files = set_of(helpers.lines_of [[find README.md config.lua run .github lua spec src static \
  -name node_modules -prune -o -print]])

--- A path is written from the root, from the document's folder, or in src/ from there.
local function is_file(path, document)
  local folder = document:match "^(.*/)" or ""
  path = path:gsub("/$", "")
  return files[path] or files[folder .. path] or files["src/" .. path]
end

--- A file that a reader may make, or that the server does; one of Lua's own.
local MADE = set_of {
  "lua/hooks.lua", "data/moonledger.db", "lua/commands/WORD.lua", "lua/routes/x.lua", "ldebug.c",
}

local ENDINGS = set_of { "c", "h", "lua", "md", "mjs", "db" }

local function is_path(span)
  return span:find "^%w[%w_./-]*$" and (span:find "/$" or ENDINGS[span:match "%.(%w+)$"])
end

local defined = {}
for _, line in ipairs(helpers.lines_of "cat $(find src -name '*.[ch]')") do
  local name = line:match "^[%a_][%w_ *]-[ *]([%w_]+)%(" or line:match "^([%w_]+)%("
  if name then
    defined[name] = true
  end
end

local stubs = {}
for _, path in ipairs(helpers.lines_of "ls lua/meta/*.lua lua/lib/*.lua spec/helpers/server.lua") do
  local text = helpers.read_file(path)
  for _, pattern in ipairs { "\nfunction ([%l_]+)[.:]([%w_]+)", "\n([%l_]+)%.([%w_]+) =" } do
    for module, name in text:gmatch(pattern) do
      stubs[module] = stubs[module] or {}
      stubs[module][name] = true
    end
  end
end

local settings = assert(loadfile("config.lua", "t", setmetatable({}, { __index = _G })))()

--- Whether words "a.b" name a function of a module or a key of config.lua.
local function is_known(first, second)
  local of_settings = type(settings[first]) == "table" and settings[first]
  return stubs[first] and stubs[first][second]
    or of_settings and (of_settings[second] ~= nil or second == "settings")
end

local routes = {}
for _, route in ipairs(settings.routes) do
  routes[route[1] .. " " .. route[2]] = true
end

local RUN = assert(helpers.read_file "run")

local helps = {}
local function help_of(word)
  helps[word] = helps[word] or server.run({ word ~= "" and word or "--help", "--help" }).stdout
  return helps[word]
end

describe("the documents", function()
  it("cite files that are there", function()
    assert.same({}, complaints(function(span, document)
      return is_path(span) and not MADE[span]
        and count("paths", not is_file(span, document) and "no such file")
    end))
    assert.is_true(seen.paths > 60, seen.paths)
  end)

  it("in src/ have comments that cite files that are there", function()
    local names, found = {}, {}
    for path in pairs(files) do
      for at in ("/" .. path):gmatch "()/" do
        names[path:sub(at)] = true
      end
    end
    for _, path in ipairs(helpers.lines_of "find src -name '*.[ch]'") do
      for comment in helpers.read_file(path):gmatch "/%*.-%*/" do
        for cited in comment:gmatch "[%w_/]+%.%l+%f[^%w_]" do
          if ENDINGS[cited:match "%l+$"] and not names[cited] and not MADE[cited] then
            found[#found + 1] = path .. ": " .. cited
          end
        end
      end
    end
    assert.same({}, found)
  end)

  it("link to files that are there", function()
    for _, document in ipairs(DOCUMENTS) do
      local folder = document:match "^(.*/)" or ""
      for link in text_of[document]:gmatch "%]%(([^):]+)%)" do
        local path = folder .. link
        while path:find("/../", 1, true) do
          path = path:gsub("[^/]+/%.%./", "", 1)
        end
        assert.truthy(files[path], document .. " links to " .. link)
      end
    end
  end)

  it("cite functions of C that are there", function()
    assert.same({}, complaints(function(span, document)
      local name = document == "src/README.md" and span:match "^([%l%d_]+)%(%)$"
      return name and name ~= "close"
        and count("functions", not defined[name] and "no such function in src/")
    end))
    assert.is_true(seen.functions > 30, seen.functions)
  end)

  it("cite functions of Lua and settings that are there", function()
    assert.same({}, complaints(function(span)
      local first, second = span:match "^([%l_]+)%.([%l_%d]+)%f[^%w_.]"
      local is_ours = first and (stubs[first] or type(settings[first]) == "table")
      return is_ours and not is_path(span)
        and count("settings", not is_known(first, second) and "neither in lua/meta nor config.lua")
    end))
    assert.is_true(seen.settings > 30, seen.settings)
  end)

  it("cite routes that are there, and leave none out", function()
    local contract = helpers.read_file "lua/routes/README.md"
    for name in pairs(routes) do
      local path = name:match " (/[^{*]*)":gsub("(.)/$", "%1")
      assert.truthy(path:find "^/examples/" or contract:find(path, 1, true),
        "lua/routes/README.md leaves out " .. name)
    end
    assert.same({}, complaints(function(span)
      local method, path = span:match "^(%u+) (/[^?]*)"
      return method and count("routes", not routes[method .. " " .. path] and "no such route")
    end))
    assert.is_true(seen.routes > 10, seen.routes)
  end)

  it("cite commands that are there, with options that they have", function()
    local help = help_of ""
    assert.same({}, complaints(function(span)
      local program, word = span:match "^([%l./]+) ?([%l_-]*)"
      if program == "./run" and word ~= "" then
        return count("commands", not RUN:find("./run " .. word, 1, true) and "not in ./run help")
      elseif not program or not program:find "^[%l/]*moonledger$" then
        return nil
      end
      local of_word = word:find "^%l" and help_of(word)
      for option in span:gmatch "%f[^ ]%-%-[%l-]+" do
        if not (help .. (of_word or "")):find("  " .. option, 1, true) then
          return count("commands", option .. " is in no --help")
        end
      end
      return count("commands", of_word and not help:find("\n  " .. word .. " ", 1, true)
        and "no such command")
    end))
    assert.is_true(seen.commands > 40, seen.commands)
  end)

  it("cite tables that a fresh database has", function()
    local s <close> = server.start {
      config = 'table.insert(config.routes, { "GET", "/tables", "routes.tables" })',
      files = { ["lua/routes/tables.lua"] = [[
        local json, storage = require "json", require "storage"
        return { summary = "Tables.", handle = function()
          assert(storage.append("topic", { {} }) and storage.put("topic", { key = {} }))
          local rows = assert(storage.sql "SELECT name FROM sqlite_master WHERE type = 'table'")
          return { json = json.array(rows) }
        end }]] },
    }
    local tables, cited = {}, {}
    for _, row in ipairs(s:get("/tables").json()) do
      tables[row.name] = true
    end
    s:stop()
    local section = text_of["src/README.md"]:match "Its tables: (.-)%. `store"
    for name in (section .. text_of["lua/README.md"]:match "The tables are (.-)%."):gmatch
      "`([%l_]+)`" do
      cited[#cited + 1] = name
      assert.truthy(tables[name], "no table " .. name)
    end
    assert.is_true(#cited > 8)
    for name in pairs(tables) do
      assert.truthy(section:find("`" .. name .. "`", 1, true) or name:find "^rollup_"
        or name:find "^sqlite_", "src/README.md leaves out the table " .. name)
    end
  end)
end)
