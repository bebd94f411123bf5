---@meta json

--- JSON as answers are written in it: integers exact, floats in the shortest form
--- that reads back equal, NaN and infinities as null, members sorted by name.  A
--- table is an array if json.array marked it or its keys are 1..n; else an object.
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

--- Decodes with lua-cjson; nested at most 64 deep.  Bytes that are not UTF-8, half
--- a surrogate pair and a NUL in a member's name read U+FFFD; an integer of more
--- than 15 digits is a string of them, exact, and so is what is beyond doubles.
--- Any other number is a float: 1 reads 1.0 and is written so; math.tointeger(n)
--- makes it an integer again.
---@param text string|Body|Fragment
---@return any
---@return string? message
function json.decode(text) end

--- An iterator over the elements of an array deep inside of text, without decoding
--- the whole: names are those of the arrays on the way.  Each turn gives the
--- element's text, and the text of each object around it but for the array in it,
--- the outermost first, when it is another one than before.  The request's body is
--- taken.  The second result counts, while it goes on, what on the way is no array or
--- no object, by what is to be said of it; nil and why when text is no object, or has
--- something else where the first array should be.
---@param text string|Body
---@param names string[]  one to four, in camelCase; snake_case in the text is found too
---@return (fun(): string?, string?, string?, string?)?
---@return table<string, integer>|string
function json.items(text, names) end

--- An iterator over the elements of an array, or over values each on lines of its
--- own, as texts, without decoding the whole; false and why, with its line, for what
--- is none.  The request's body is taken.
---@param text string|Body
---@return fun(): string|false|nil, string?
---@return boolean any  whether there is more than white space in text
function json.values(text) end

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
