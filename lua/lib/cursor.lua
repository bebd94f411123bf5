--- Where a page of rows ended, as opaque text that a client sends back.  It names
--- the order and the filters it belongs to, so that it cannot be used with others.
local hash = require "lib.hash"
local params = require "lib.params"

local cursor = {}

local function write(parts, value)
  if type(value) ~= "table" then
    parts[#parts + 1] = ("%q"):format(value)
  elseif value.prefix then
    parts[#parts + 1] = ("%q*"):format(value.prefix)
  else
    parts[#parts + 1] = ("%q-%q"):format(value[1], value[2])
  end
end

local function describe(where, descending)
  local parts = { tostring(descending) }
  for _, condition in ipairs(where) do
    for _, value in ipairs(condition) do
      write(parts, value)
    end
    parts[#parts + 1] = ";"
  end
  return hash(table.concat(parts, " "))
end

local function to_hex(s)
  return (s:gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
end

local function from_hex(s)
  if #s % 2 == 0 and not s:find("%X") then
    return (s:gsub("%x%x", function(digits)
      return string.char(tonumber(digits, 16))
    end))
  end
end

local LAYOUT = "<I1 i8 i8 i8"
local VERSION = 1

---@param place integer[]?  { time, row } as storage answers it; nil at the end
---@param where Condition[]
---@param descending boolean
---@return string?
function cursor.encode(place, where, descending)
  if place then
    return to_hex(string.pack(LAYOUT, VERSION, describe(where, descending), place[1], place[2]))
  end
end

---@param s string
---@param where Condition[]
---@param descending boolean
---@return integer[]?  nil when s is no cursor of this order and these filters
function cursor.decode(s, where, descending)
  local bytes = from_hex(s)
  if not bytes or #bytes ~= string.packsize(LAYOUT) then
    return nil
  end
  local version, description, time, row = string.unpack(LAYOUT, bytes)
  if version == VERSION and description == describe(where, descending) then
    return { time, row }
  end
end

--- The answer to a cursor that leads nowhere.
---@param s string
---@return Response
function cursor.refuse(s)
  return params.refuse("cursor", s, "cursor",
    "Input should be a next_cursor of the same filters and order")
end

return cursor
