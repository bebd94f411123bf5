--- moonledger config: the settings in force, as Lua, without what is secret in them.
local config = require "config"
local env = require "env"

local HIDDEN = '"(hidden)"'

-- Values under such a name are for nobody who looks over a shoulder or reads a bug report.
local secret_words = {
  "token$", "secret", "passw", "api_?key", "private", "credential", "authorization", "cookie",
}

local function is_secret(name)
  name = tostring(name):lower()
  for _, word in ipairs(secret_words) do
    if name:find(word) then
      return true
    end
  end
  return false
end

-- What follows the host of an address can be a key, and so can what stands before it.
local function text(value)
  local scheme, authority, rest = value:match "^(%a+://)([^/?#]*)(.*)$"
  if not scheme then
    return ("%q"):format(value)
  end
  authority = authority:gsub("^.*@", "(hidden)@")
  return ("%q"):format(scheme .. authority .. (#rest > 1 and "/(hidden)" or rest))
end

local function by_name(a, b)
  local numbers = type(a) == "number" and type(b) == "number"
  return numbers and a < b or not numbers and tostring(a) < tostring(b)
end

local function names_of(values)
  local names = {}
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names, by_name)
  return names
end

local write

local function one_line(values)
  local items = {}
  for i, value in ipairs(values) do
    if type(value) == "table" then
      return nil
    end
    items[i] = write(value, "", i)
  end
  return next(values, #items > 0 and #items or nil) == nil and "{ " .. table.concat(items, ", ")
    .. " }"
end

function write(value, indent, name)
  if type(value) == "string" then
    return is_secret(name) and HIDDEN or text(value)
  elseif type(value) == "function" then
    return '"(a function)"'
  elseif type(value) ~= "table" then
    return tostring(value)
  elseif next(value) == nil then
    return "{}"
  end
  local line = one_line(value)
  if line then
    return line
  end
  local lines, inner = { "{" }, indent .. "  "
  for _, key in ipairs(names_of(value)) do
    local shown = type(key) == "number" and "" or key:match "^[%a_][%w_]*$" and key .. " = "
      or ("[%q] = "):format(key)
    lines[#lines + 1] = inner .. shown .. write(value[key], inner, key) .. ","
  end
  lines[#lines + 1] = indent .. "}"
  return table.concat(lines, "\n")
end

return {
  summary = "Prints the settings in force.",
  description = [[
Prints the settings in force, defaults and options of the command line included, as a config.lua
could have them.  Tokens, passwords and what follows the host of an address are hidden.]],
  examples = {
    { "moonledger config", "where the settings come from, and what they are" },
  },

  run = function()
    print(("-- %s (%s)"):format(env.config.file, env.config.how))
    local settings = {}
    for key, value in pairs(config) do
      settings[key] = key ~= "version" and value or nil
    end
    print("return " .. write(settings, "", ""))
    return 0
  end,
}
