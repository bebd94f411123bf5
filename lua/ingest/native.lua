--- Records in the server's own columns, as lines or as one array: handed on as they
--- are.  One without an id gets one made of its own content, so that importing it again
--- finds it.
local batches = require "ingest.batch"
local json = require "json"
local lines = require "ingest.lines"
local values = require "ingest.values"

local native = {}

-- FNV-1a, 64 bits: the same at every run.
local function fingerprint(text)
  local hash = 0xcbf29ce484222325
  for i = 1, #text do
    hash = (hash ~ text:byte(i)) * 0x100000001b3
  end
  return ("%016x"):format(hash)
end

local function canonical(row)
  local parts = {}
  for name, value in pairs(row) do
    parts[#parts + 1] = name .. "="
      .. (type(value) == "table" and canonical(value) or tostring(value))
  end
  table.sort(parts)
  return table.concat(parts, "\n")
end

local function name(record)
  if not values.text(record.request_id) then
    record.request_id = "import-" .. fingerprint(canonical(record))
  end
  return record
end

--- Records of a body.
---@param body string
---@return Batch
function native.decode(body)
  local batch = batches.new()
  lines.each_value(body, batch, function(row)
    for _, record in ipairs(type(row.records) == "table" and row.records or { row }) do
      batch:add(name(record))
    end
  end)
  return batch
end

local function has_id(line)
  return line:find('"request_id"%s*:%s*"[^"]') and not line:find('"request_id"%s*:%s*"None"')
end

--- Lines as they came, but for those without an id.  The batch has what was rejected.
---@param text string
---@return string, Batch
function native.lines(text)
  local batch, out = batches.new(), {}
  lines.each_text(text, function(line, number)
    if has_id(line) then
      out[#out + 1] = line
      return
    end
    local ok, record = pcall(json.decode, line)
    if ok and type(record) == "table" then
      out[#out + 1] = json.encode(name(record))
    else
      batch:reject(("line %d is no JSON object"):format(number))
    end
  end)
  out[#out + 1] = ""
  return table.concat(out, "\n"), batch
end

return native
