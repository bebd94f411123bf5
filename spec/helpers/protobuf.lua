--- Writes Protocol Buffers from tables, for specs and benchmarks: the reverse of
--- the server's `protobuf`.
local protobuf = {}

function protobuf.varint(n)
  local bytes = {}
  repeat
    local low = n & 0x7F
    n = n >> 7
    bytes[#bytes + 1] = string.char(n ~= 0 and low | 0x80 or low)
  until n == 0
  return table.concat(bytes)
end

local function unhex(text)
  return (text:gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

local function integer(v)
  return math.tointeger(tonumber(v))
end

local writers = {
  string = function(v) return 2, string.pack("s4", v):sub(5) end,
  hex = function(v) return 2, unhex(v) end,
  bool = function(v) return 0, protobuf.varint(v and 1 or 0) end,
  int = function(v) return 0, protobuf.varint(integer(v)) end,
  fixed64 = function(v) return 1, string.pack("<i8", integer(v)) end,
  fixed32 = function(v) return 5, string.pack("<i4", integer(v)) end,
  double = function(v) return 1, string.pack("<d", v) end,
}

local function field(messages, description, value)
  local writer = writers[description[2]]
  local wire, bytes
  if writer then
    wire, bytes = writer(value)
  else
    wire, bytes = 2, protobuf.encode(messages, description[2], value)
  end
  return protobuf.varint(description[1] << 3 | wire)
    .. (wire == 2 and protobuf.varint(#bytes) or "") .. bytes
end

--- The bytes of the fields that the message's description knows.
---@param messages table as protobuf.schema takes it
---@param name string
---@param value table
---@return string
function protobuf.encode(messages, name, value)
  local parts = {}
  for key, description in pairs(messages[name]) do
    local v = value[key]
    if description.repeated then
      for _, item in ipairs(v or {}) do
        parts[#parts + 1] = field(messages, description, item)
      end
    elseif v ~= nil then
      parts[#parts + 1] = field(messages, description, v)
    end
  end
  return table.concat(parts)
end

return protobuf
