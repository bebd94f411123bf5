--- Text of several JSON values: one array, one object, or an object a line.
local json = require "json"

local lines = {}

local bom = "\xEF\xBB\xBF"

--- Calls visit(line, number) for each line that is not blank.  Plain finds: a pattern
--- with repetitions may not search a whole body.
---@param text string
---@param visit fun(line: string, number: integer)
function lines.each_text(text, visit)
  local from = text:sub(1, 3) == bom and 4 or 1
  local number = 0
  while from <= #text do
    local to = text:find("\n", from, true) or #text + 1
    local last = text:byte(to - 1) == 13 and to - 2 or to - 1
    number = number + 1
    local line = text:sub(from, last)
    if line:find("%S") then
      visit(line, number)
    end
    from = to + 1
  end
end

--- The object or the list that a text is; nil where it is none.
---@param text string
---@return table?
function lines.decoded(text)
  local value = json.decode(text)
  return type(value) == "table" and value or nil
end

--- Whether a decoded value is an object and no list; an empty list is as good as an empty object.
---@param value any
---@return boolean
function lines.is_object(value)
  return type(value) == "table" and value[1] == nil
end

-- Values as json.values gives them, without the whole text in a string.
local function each_of(next_value, batch, visit)
  local position = 0
  for text, why in next_value do
    position = position + 1
    local value = text and json.decode(text)
    if not text then
      batch:reject(why)
    elseif lines.is_object(value) then
      visit(value, position)
    else
      batch:reject(("element %d is no JSON object"):format(position))
    end
    if not batch:relieve() then
      return
    end
  end
end

---@alias Text string|fun(): string|false|nil, string?  a text, or json.values of it

--- Calls visit(object, line number) for each line that is a JSON object; others are
--- rejected by their number.
---@param text Text
---@param batch Batch
---@param visit fun(object: table, line: integer)
function lines.each(text, batch, visit)
  if type(text) == "function" then
    each_of(text, batch, visit)
    return
  end
  lines.each_text(text, function(line, number)
    local value = json.decode(line)
    if lines.is_object(value) then
      visit(value, number)
    else
      batch:reject(("line %d is no JSON object"):format(number))
    end
  end)
end

local function opening(text)
  return text:match("^\xEF?\xBB?\xBF?%s*(.)")
end

-- An array, or one object over several lines.
local function whole_of(text)
  if opening(text:sub(1, 100)) == "[" then
    return json.decode(text) or nil
  end
  local first = text:sub(1, (text:find("\n", 1, true) or #text + 1) - 1)
  local value = not json.decode(first) and json.decode(text)
  return value and { value } or nil
end

--- The same for an array (visited with positions from 1), for a single object over
--- several lines, and for lines.
---@param text Text
---@param batch Batch
---@param visit fun(object: table, position: integer)
function lines.each_value(text, batch, visit)
  local list = type(text) == "string" and whole_of(text)
  if not list then
    lines.each(text, batch, visit)
    return
  end
  for i, value in ipairs(list) do
    if lines.is_object(value) then
      visit(value, i)
    else
      batch:reject(("element %d is no JSON object"):format(i))
    end
  end
end

return lines
