--- What the program says of its command line: help, man page and completion, all from the table of
--- src/options.c and the files of lua/commands.
local command_line = require "lib.command_line"
local env = require "env"
local file = require "file"
local term = require "term"

---@class ManualRow
---@field name string
---@field value string?
---@field help string

---@class Manual  rows by kind
---@field words ManualRow[]
---@field options ManualRow[]
---@field places ManualRow[]
---@field examples ManualRow[]
---@field exits ManualRow[]

local manual = {}

local function names(folder, built_in)
  local found, list = {}, {}
  for _, name in ipairs(built_in) do
    found[name] = true
  end
  for _, entry in ipairs(file.list(folder) or {}) do
    local name = entry.name:match "^([%l%d_]+)%.lua$"
    if name then
      found[name] = true
    end
  end
  for name in pairs(found) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

-- The commands in Lua as rows: a file that is wrong is listed with what is wrong.
local function commands(folder, built_in)
  local rows = {}
  for i, name in ipairs(names(folder, built_in)) do
    local fine, command = pcall(command_line.load, name)
    rows[i] = { name = name, help = fine and command.summary or tostring(command) }
  end
  return rows
end

local function left_of(row)
  return row.value and row.name .. " " .. row.value or row.name
end

local function show(title, rows)
  print("\n" .. title)
  for _, row in ipairs(rows) do
    local left = left_of(row)
    local gap = #left < 22 and (" "):rep(22 - #left) or "\n" .. (" "):rep(24)
    print("  " .. left .. gap .. row.help)
  end
end

---@param all Manual
---@param folder string  of the user's commands
---@param built_in string[]  names of the program's
function manual.help(all, folder, built_in)
  print "usage: moonledger [OPTIONS] [COMMAND [ARGUMENTS]]"
  show("Commands:", all.words)
  show("Commands in lua/commands, each of which has --help:", commands(folder, built_in))
  show("Options:", all.options)
  show("Settings are those of the first of these that is there (config prints them):", all.places)
  show("Examples:", all.examples)
  show("Exit codes:", all.exits)
end

-- roff takes a line that begins with . or ' for a request of its own.
local function roff(text)
  return (text:gsub("\\", "\\e"):gsub("-", "\\-"):gsub("^[.']", "\\&%0"))
end

local function section(title, rows)
  print(".SH " .. title)
  for _, row in ipairs(rows) do
    print(".TP\n.B " .. roff(left_of(row)) .. "\n" .. roff(row.help))
  end
end

---@param all Manual
---@param folder string
---@param built_in string[]
function manual.man(all, folder, built_in)
  print((".TH MOONLEDGER 1 \"\" \"moonledger %s\""):format(roff(env.version)))
  print(".SH NAME\nmoonledger \\- a telemetry server for LLM traffic, scripted in Lua")
  print(".SH SYNOPSIS\n.B moonledger\n[OPTIONS] [COMMAND [ARGUMENTS]]")
  section("COMMANDS", all.words)
  section("COMMANDS IN LUA", commands(folder, built_in))
  section("OPTIONS", all.options)
  section("SETTINGS", all.places)
  section("EXAMPLES", all.examples)
  section("EXIT STATUS", all.exits)
end

local function words_of(command)
  local found = table.move(command.words or {}, 1, #(command.words or {}), 1, { "--help" })
  for _, option in ipairs(command.options or {}) do
    found[#found + 1] = "--" .. option[1]
  end
  return found
end

-- What can follow words: those of a command that is there already, or the names of all.
local function candidates(all, words, folder, built_in)
  local found = {}
  for _, name in ipairs(names(folder, built_in)) do
    for _, word in ipairs(words) do
      if word == name then
        local fine, command = pcall(command_line.load, name)
        return fine and words_of(command) or {}
      end
    end
    found[#found + 1] = name
  end
  for _, rows in ipairs { all.words, all.options } do
    for _, row in ipairs(rows) do
      found[#found + 1] = row.name
    end
  end
  return found
end

--- Without $COMP_LINE the line for ~/.bashrc; with it, as bash's complete -C calls it, what could
--- stand where the cursor is.
---@param all Manual
---@param folder string
---@param built_in string[]
function manual.completion(all, folder, built_in)
  local line = env.get "COMP_LINE"
  if not line then
    print 'complete -o bashdefault -o default -C "moonledger completion" moonledger'
    return
  end
  line = line:sub(1, tonumber(env.get "COMP_POINT") or #line)
  local words = {}
  for word in line:gmatch "%S+" do
    words[#words + 1] = word
  end
  local prefix = line:match "(%S*)$"
  if prefix ~= "" then
    words[#words] = nil
  end
  for _, candidate in ipairs(candidates(all, words, folder, built_in)) do
    if candidate:sub(1, #prefix) == prefix then
      term.write(candidate .. "\n")
    end
  end
end

return manual
