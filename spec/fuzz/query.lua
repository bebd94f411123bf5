--- Query strings as routes read them: text to values, to conditions, to cursors and back.
-- The names of columns are all that is needed of storage.
package.preload.storage = function()
  local names = {}
  for _, column in ipairs(require("schema").columns) do
    if column.dimension then
      names[#names + 1] = column[1]
    end
  end
  return { columns = function() return names end }
end
local cursor = require "lib.cursor"
local filters = require "lib.filters"
local json = require "json"
local params = require "lib.params"

local read = params.reader(filters.params {
  limit = params.integer { default = 100, ge = 1, le = 10000 },
  cursor = params.string {},
  order = params.string { one_of = { "asc", "desc" } },
  flag = params.boolean {},
  ratio = params.float { finite = false },
})

local function check_cursor(text, where, descending)
  local place = { -5, 9007199254740993 }
  local back = cursor.decode(cursor.encode(place, where, descending), where, descending)
  assert(back[1] == place[1] and back[2] == place[2])
  assert(not cursor.decode(cursor.encode(place, where, descending), where, not descending))
  local given = text and cursor.decode(text, where, descending)
  assert(not given or cursor.encode(given, where, descending) == text:lower())
end

-- What a client can give comes back as it was given: encoded by the letter, then split.
local function check_pairs(query)
  local parts, given = {}, params.split(query)
  local function encode(s)
    return (s:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end))
  end
  for name, value in pairs(given) do
    assert(utf8.len(name) and utf8.len(value))
    parts[#parts + 1] = encode(name) .. "=" .. encode(value)
  end
  local again = params.split(table.concat(parts, "&"))
  for name, value in pairs(given) do
    assert(again[name] == value)
  end
end

return function(query)
  check_pairs(query)
  local values, details = read(query)
  if details then
    json.encode(details)
    return nil
  end
  local where = filters.where(values)
  check_cursor(values.cursor, where, values.order == "desc")
  return where
end
