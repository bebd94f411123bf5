--- Records in the server's own columns, as lines or as one array: handed on as they
--- are.  One without an id gets one made of its own content, so that importing it again
--- finds it.
local batches = require "ingest.batch"
local hash = require "lib.hash"
local json = require "json"
local lines = require "ingest.lines"
local values = require "lib.values"

local native = {}

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
    record.request_id = ("import-%016x"):format(hash(canonical(record)))
  end
  return record
end

-- The records of a value that is a body of POST /logs/ingest; nil where it is a record.
local function records_in(value)
  local list = value.records
  return type(list) == "table" and (list[1] ~= nil or next(list) == nil) and list or nil
end

local function each_record(value, position, batch, take)
  for i, record in ipairs(records_in(value) or { value }) do
    if lines.is_object(record) then
      take(name(record))
    else
      batch:reject(("record %d of value %d is no JSON object"):format(i, position))
    end
  end
end

--- Records of a body.
---@param body string
---@return Batch
function native.decode(body)
  local batch = batches.new()
  lines.each_value(body, batch, function(value, position)
    each_record(value, position, batch, function(record)
      batch:add(record)
    end)
  end)
  return batch
end

-- Whether the text alone shows that it is one record with an id: that of a line with an object
-- inside may stand there.
local function is_whole(line)
  return line:find "^%s*{[^{]*$" and line:find('"request_id"%s*:%s*"[^"]')
    and not line:find('"request_id"%s*:%s*"None"') and not line:find('"records"%s*:')
end

--- Lines as they came, but for those without an id and those of several records.  The batch has
--- what was rejected.
---@param text string
---@return string, Batch
function native.lines(text)
  local batch, out = batches.new(), {}
  lines.each_text(text, function(line, number)
    if is_whole(line) then
      out[#out + 1] = line
      return
    end
    local value = json.decode(line)
    if not lines.is_object(value) then
      batch:reject(("line %d is no JSON object"):format(number))
    elseif values.text(value.request_id) and not records_in(value) then
      out[#out + 1] = line
    else
      each_record(value, number, batch, function(record)
        out[#out + 1] = json.encode(record)
      end)
    end
  end)
  out[#out + 1] = ""
  return table.concat(out, "\n"), batch
end

return native
