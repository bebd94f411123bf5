---@meta json

--- JSON as answers are written in it: integers exact, floats in the shortest form that reads back equal, NaN and
--- infinities as null, members sorted by name.  A table is an array if json.array marked it or its keys are 1..n; else
--- an object.
local json = {}

--- Written as null, and what decode answers for it.
---@type lightuserdata
json.null = nil

--- JSON text that is embedded as it is; tostring() and # work on it.
---@class Fragment
---@operator len: integer

--- Raises for what has no JSON form: functions, mixed keys, cycles.
---@param value any
---@return string
function json.encode(value) end

--- Decodes with lua-cjson; nested at most 64 deep.
---@param text string|Body|Fragment
---@return any
---@return string? message
function json.decode(text) end

--- Marks the table as an array and answers it: {} is written as [].
---@generic T: table
---@param list T?
---@return T
function json.array(list) end

--- Marks the table as an object, whatever its keys.
---@generic T: table
---@param object T?
---@return T
function json.object(object) end

--- text is one JSON value.
---@param text string|Body|Fragment
---@return Fragment
function json.fragment(text) end

return json
