--- What is wrong with the data of config.lua that Lua reads: gathered, so that --check and a reload
--- tell all of it at once, each with its place, key and repair.
local faults = {}

---@class Faults
---@field [integer] string
local Faults = {}
Faults.__index = Faults

---@return Faults
function faults.new()
  return setmetatable({}, Faults)
end

--- The words of a text as the keys of a table.
---@param words string
---@return table<string, true>
function faults.set(words)
  local set = {}
  for word in words:gmatch "%S+" do
    set[word] = true
  end
  return set
end

--- Reads a name or a summary.
---@param value any
---@return string?
---@return string expected
function faults.read_text(value)
  return type(value) == "string" and value ~= "" and #value <= 200 and value or nil,
    "a text of at most 200 bytes"
end

--- Whether a value is a list: { model = 5 } is none of one member, but none.
---@param value any
---@return boolean
function faults.is_list(value)
  local count = 0
  for _ in pairs(type(value) == "table" and value or {}) do
    count = count + 1
  end
  return type(value) == "table" and count == #value
end

--- A copy that may be changed, and that the core can read: the tables of config are read-only.
---@generic T
---@param value T
---@return T
function faults.plain(value)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for key, member in pairs(value) do
    copy[key] = faults.plain(member)
  end
  return copy
end

-- What follows the host of a URL may be a secret.
local function shown(value)
  if type(value) == "string" then
    local authority = value:match "^(%a+://[^/?#]*)[/?#]."
    return ("the text %q"):format(authority and authority .. "/..." or value:sub(1, 60))
  elseif type(value) == "table" or type(value) == "function" then
    return "a " .. type(value)
  end
  return tostring(value)
end

--- place: alerts[2]; name: that of the entry, which says on which line of config.lua it stands.
--- A message that has the place of a file in it stays as it is.
---@param place string
---@param name string?
---@param message string
function Faults:add(place, name, message)
  local quoted = type(name) == "string" and (" %q"):format(name) or ""
  local is_placed = message:find "^lua/%S+%.lua:%d+: "
  self[#self + 1] = is_placed and message or ("%s%s: %s"):format(place, quoted, message)
end

--- A function that adds faults of one entry by their keys.
---@return fun(key: string, message: string)
function Faults:at(place, name)
  return function(key, message)
    self:add(place, name, ("%s: %s"):format(key, message))
  end
end

--- No two entries may have the same name: what is kept of them is kept by it.
function Faults:unique(place, entries)
  local seen = {}
  for _, entry in ipairs(entries) do
    if seen[entry.name] then
      self:add(place, entry.name, "name: there are two of it, and each needs its own")
    end
    seen[entry.name] = true
  end
end

--- Raises all of them, if there are any.
function Faults:raise()
  if #self > 0 then
    error(table.concat(self, "\n"), 0)
  end
end

-- In an order that is the same each time.
local function keys_of(values)
  local names = {}
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    return tostring(a) < tostring(b)
  end)
  return names
end

--- The values of an entry, each as the reader of its key understands it: value, or nil and what was
--- expected.  nil when something is wrong, one by one or together.
---@param entry table<any, any>
---@param readers table<string, fun(value: any): any, string?>
---@param add fun(key: string, message: string)
---@param check? fun(values: table<string, any>, add: fun(key: string, message: string))  together
---@return table<string, any>?
function faults.read(entry, readers, add, check)
  local values, fine = {}, true
  for _, key in ipairs(keys_of(entry)) do
    local reader, expected = readers[key], nil
    if reader then
      values[key], expected = reader(entry[key])
    end
    if not reader then
      add(tostring(key), "unknown key: known are " .. table.concat(keys_of(readers), ", "))
    elseif values[key] == nil then
      add(key, ("expected %s, got %s"):format(expected, shown(entry[key])))
    end
    fine = fine and values[key] ~= nil
  end
  if fine and check then
    check(values, function(key, message)
      fine = false
      add(key, message)
    end)
  end
  return fine and values or nil
end

return faults
