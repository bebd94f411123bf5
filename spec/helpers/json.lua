--- JSON for specs, independent of the server's: integers stay integers, arrays are
--- marked, null is a value, keys are written in order.
local json = {}

json.null = setmetatable({}, { __tostring = function() return "null" end })

local Array = { __name = "array" }

---@param list? table
function json.array(list)
  return setmetatable(list or {}, Array)
end

---@param value any
function json.is_array(value)
  return getmetatable(value) == Array
end

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ["/"] = "/", ["\\"] = "\\",
  ['"'] = '"' }
local LITERALS = { t = { "true", true }, f = { "false", false }, n = { "null", json.null } }

local function fail(text, at, what)
  error(("%s at byte %d: %s"):format(what, at, text:sub(at, at + 30)), 0)
end

local function unescape(text)
  text = text:gsub("\\u([dD][89abAB]%x%x)\\u([dD][c-fC-F]%x%x)", function(high, low)
    return utf8.char(0x10000 + (tonumber(high, 16) - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00)
  end)
  return (text:gsub("\\(.)(%x?%x?%x?%x?)", function(kind, hex)
    if kind == "u" then
      return utf8.char(tonumber(hex, 16))
    end
    return ESCAPES[kind] .. hex
  end))
end

local function read_string(text, at)
  local from = at + 1
  local stop = from
  while true do
    stop = text:find('["\\]', stop) or fail(text, at, "unfinished string")
    if text:byte(stop) == 34 then
      break
    end
    stop = stop + 2
  end
  local raw = text:sub(from, stop - 1)
  if raw:find "%c" then
    fail(text, at, "control character in a string")
  end
  return raw:find("\\", 1, true) and unescape(raw) or raw, stop + 1
end

local function read_number(text, at)
  local digits = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at) or fail(text, at, "not a value")
  local number = not digits:find "^-?0%d" and not digits:find "%.$" and tonumber(digits)
  return number or fail(text, at, "not a number"), at + #digits
end

local read_value

local function read_list(text, at, close, read_item)
  at = text:find("%S", at + 1) or fail(text, at, "unfinished list")
  if text:sub(at, at) == close then
    return at + 1
  end
  while true do
    at = read_item(at)
    at = text:find("%S", at) or fail(text, at, "unfinished list")
    local mark = text:sub(at, at)
    if mark == close then
      return at + 1
    elseif mark ~= "," then
      fail(text, at, "no comma")
    end
    at = text:find("%S", at + 1) or fail(text, at, "unfinished list")
  end
end

local function read_array(text, at)
  local list = json.array()
  return list, read_list(text, at, "]", function(item)
    list[#list + 1], item = read_value(text, item)
    return item
  end)
end

local function read_object(text, at)
  local object = {}
  return object, read_list(text, at, "}", function(item)
    if text:byte(item) ~= 34 then
      fail(text, item, "no member name")
    end
    local name
    name, item = read_string(text, item)
    item = text:match("^%s*:()", item) or fail(text, item, "no colon")
    object[name], item = read_value(text, item)
    return item
  end)
end

function read_value(text, at)
  at = text:find("%S", at) or fail(text, at, "no value")
  local first = text:sub(at, at)
  if first == '"' then
    return read_string(text, at)
  elseif first == "{" then
    return read_object(text, at)
  elseif first == "[" then
    return read_array(text, at)
  end
  local literal = LITERALS[first]
  if literal and text:find("^" .. literal[1], at) then
    return literal[2], at + #literal[1]
  end
  return read_number(text, at)
end

---@param text string
---@return any value  raises when text is not exactly one JSON value
function json.decode(text)
  local value, at = read_value(text, 1)
  if text:find("%S", at) then
    fail(text, at, "something after the value")
  end
  return value
end

local write_value

local function write_string(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    return (c == '"' or c == "\\") and "\\" .. c or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function write_table(value)
  local parts = {}
  if json.is_array(value) or #value > 0 then
    for i, item in ipairs(value) do
      parts[i] = write_value(item)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, item in pairs(value) do
    parts[#parts + 1] = write_string(name) .. ":" .. write_value(item)
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

function write_value(value)
  local kind = math.type(value) or type(value)
  if value == json.null then
    return "null"
  elseif kind == "table" then
    return write_table(value)
  elseif kind == "string" then
    return write_string(value)
  elseif kind == "float" then
    return ("%.17g"):format(value)
  end
  return tostring(value)
end

json.encode = write_value

--- One record a line.
---@param records table[]
function json.lines(records)
  local lines = {}
  for i, record in ipairs(records) do
    lines[i] = write_value(record) .. "\n"
  end
  return table.concat(lines)
end

return json
