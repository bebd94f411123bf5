--- Which fields rows show: fields=a,b on the endpoints that answer rows, by= of those that answer
--- groups.
local params = require "lib.params"
local storage = require "storage"
local text = require "lib.text"
local values = require "lib.values"

local fields = {}

local function joined(...)
  local list = {}
  for _, part in ipairs { ... } do
    table.move(part, 1, #part, #list + 1, list)
  end
  return list
end

--- All that a row has: the public columns, the dimensions, the measures, extra.
fields.ALL = joined(storage.columns(), storage.columns "dimensions", storage.columns "measures",
  { "extra" })

local SHOWN = values.set("extra", table.unpack(storage.columns "all"))
local KEYS = values.set(table.unpack(storage.columns "keys"))

-- The names of a list, each once; nil and the first that is not known.
local function read_names(input, known)
  local names, seen = {}, {}
  for part in (input .. ","):gmatch("([^,]*),") do
    local name = text.trim(part)
    if not known[name] then
      return nil, name
    elseif not seen[name] then
      names[#names + 1], seen[name] = name, true
    end
  end
  return names
end

local function check(input)
  if input == "*" then
    return fields.ALL
  elseif input == "" then
    return {}
  end
  local names, unknown = read_names(input, SHOWN)
  return names,
    not names and ("columns, comma-separated, or *; there is no column %q"):format(unknown) or nil
end

--- The parameter fields.
---@return Param
function fields.param()
  return params.string {
    check = check, description = "What rows show, comma-separated, in this order; * is everything.",
  }
end

--- For storage.select: nil where rows are as ever.
---@param names string[]?
---@return string[]?
function fields.chosen(names)
  return names and #names > 0 and names or nil
end

--- A parameter that names up to most columns which rows can be grouped by.
---@param most integer
---@param options table?  of params.string
---@return Param
function fields.keys_param(most, options)
  options = options or {}
  options.check = function(input)
    local names, unknown = read_names(input, KEYS)
    if not names then
      return nil, ("columns to group by, comma-separated; %q is none"):format(unknown)
    elseif #names > most then
      return nil, most == 1 and "one column" or ("at most %d columns"):format(most)
    end
    return names
  end
  return params.string(options)
end

return fields
