--- The words after a command's name, by the options that its file declares: lua/commands/README.md.
local env = require "env"
local term = require "term"

local command_line = {}

---@class Option
---@field [1] string     its name, without the dashes
---@field [2] string?    what stands for its value in the help; false for one that is on or off
---@field [3] string     a line of help
---@field default string?
---@field env string?    a variable that is taken where the option is not given

---@class Command
---@field summary string
---@field description string?
---@field arguments string?   how words that are no options are shown; absent: none are taken
---@field words string[]?     the first argument is one of these, and the only one
---@field options Option[]?
---@field examples string[][]?  lines to type, each with what it is for
---@field exits table<integer, string>?  what exit codes mean, where that is not the plain thing
---@field run fun(args: Arguments): integer?, string?  the exit code, and what went wrong:
---   2 where that is the command line, nil and another fault end with 1

---@class Arguments           options by name, and the other words in order
---@field [integer] string
---@field [string] string|boolean

local function wrong(message)
  error({ usage = message }, 0)
end

---@param command Command
local function defaults(command)
  local args = {}
  for _, option in ipairs(command.options or {}) do
    args[option[1]] = option.env and env.get(option.env) or option.default
  end
  return args
end

local function find(command, name)
  for _, option in ipairs(command.options or {}) do
    if option[1] == name then
      return option
    end
  end
  wrong("unknown option --" .. name)
end

-- Takes the option in words[i]; returns the index of the last word that it took.
local function take(command, args, words, i)
  local name, value = words[i]:match "^%-%-([^=]+)=(.*)$"
  name = name or words[i]:sub(3)
  local option = find(command, name)
  if not option[2] then
    args[name] = not value or wrong(("--%s takes no value"):format(name))
  elseif value then
    args[name] = value
  else
    args[name] = words[i + 1] or wrong(("--%s needs a value: %s"):format(name, option[2]))
    return i + 1
  end
  return i
end

local function check_words(known, args)
  for _, word in ipairs(known or {}) do
    if word == args[1] then
      return args[2] and wrong(args[2] .. ": no argument is expected")
    end
  end
  if known then
    wrong(("%s: expected one of %s"):format(args[1], table.concat(known, ", ")))
  end
end

--- What words mean to a command; raises { usage = message } where they are wrong, { help = true
--- } where help is asked.
---@param command Command
---@param words string[]
---@return Arguments
function command_line.parse(command, words)
  local args, i, only_words = defaults(command), 1, false
  while i <= #words do
    local word = words[i]
    if only_words or word == "-" or word:sub(1, 1) ~= "-" then
      args[#args + 1] = word
    elseif word == "--" then
      only_words = true
    elseif word == "--help" or word == "-h" then
      error({ help = true }, 0)
    elseif word:sub(1, 2) == "--" then
      i = take(command, args, words, i)
    else
      wrong("unknown option " .. word)
    end
    i = i + 1
  end
  local takes = command.arguments
  if not takes and #args > 0 then
    wrong(args[1] .. ": no argument is expected")
  elseif takes and #args == 0 and takes:sub(1, 1) ~= "[" then
    wrong("expected " .. takes)
  end
  check_words(command.words, args)
  return args
end

local function option_line(option)
  local left = "--" .. option[1] .. (option[2] and " " .. option[2] or "")
  local value = option.env and "$" .. option.env or option.default
  return ("  %-15s %s%s"):format(left, option[3], value and (" (%s)"):format(value) or "")
end

local EXITS = { [0] = "it went well", "it did not, and standard error says why",
  "the command line is wrong" }

local function add_examples(lines, command)
  lines[#lines + 1] = command.examples and "\nExamples:"
  for _, example in ipairs(command.examples or {}) do
    lines[#lines + 1] = ("  %s\n      %s"):format(example[1], example[2])
  end
end

local function add_exits(lines, command)
  local exits = command.exits or {}
  lines[#lines + 1] = "\nExit codes:"
  for code = 0, 3 do
    local meaning = exits[code] or EXITS[code]
    lines[#lines + 1] = meaning and ("  %d  %s"):format(code, meaning)
  end
end

--- The text of --help.
---@param name string
---@param command Command
---@return string
function command_line.help(name, command)
  local lines = {
    ("usage: moonledger [--config FILE] [--database PATH] %s%s%s"):format(name,
      command.options and " [OPTIONS]" or "", command.arguments and " " .. command.arguments or ""),
    "", command.description or command.summary,
  }
  lines[#lines + 1] = command.options and "\nOptions:"
  for _, option in ipairs(command.options or {}) do
    lines[#lines + 1] = option_line(option)
  end
  add_examples(lines, command)
  add_exits(lines, command)
  return table.concat(lines, "\n") .. "\n"
end

--- The file of a command, checked; raises what is wrong with it.
---@param name string
---@return Command
function command_line.load(name)
  local command = require("commands." .. name)
  local is_table = type(command) == "table"
  if not is_table or type(command.run) ~= "function" or type(command.summary) ~= "string" then
    error(("lua/commands/%s.lua: must return a table with summary, a text, and run, a function")
      :format(name), 0)
  end
  return command
end

--- Runs a command with the words that follow its name.
---@param name string
---@param words string[]
---@return integer exit code
function command_line.run(name, words)
  local command = command_line.load(name)
  local fine, args = pcall(command_line.parse, command, words)
  if not fine then
    if type(args) ~= "table" then
      error(args, 0)
    elseif args.help then
      term.write(command_line.help(name, command))
      return 0
    end
    term.error(("%s: %s\n%s"):format(name, args.usage, command_line.help(name, command)))
    return 2
  end
  local code, why = command.run(args)
  if why then
    term.error(why)
  end
  return code or why and 1 or 0
end

return command_line
