---@meta otlp

--- Log records and spans of OTLP, JSON or protobuf, one after another, without a table of what
--- nobody asks for.
local otlp = {}

--- What a decoder reads of an item.
---@class OtlpFields

---@alias OtlpReading
---| "any"
---| "text"     # a number is written; "" and Python's "None" are none
---| "name"     # the same; "none" and "unknown" are none either
---| "count"    # whole, not negative; from a text too
---| "number"   # from a text too
---| "flag"     # from a text or 0 and 1 too
---| "packed"   # an object, its JSON or Python's str of it: a.b stands for member b of attribute a,
---             # and is read as one; other JSON stands for what it is
---| "nothing"  # not read, and left out of rest()

--- By the name of the field: how it is read, then the attributes, of which the first that is there
--- and can be read counts.  What a field reads is left out of rest(), unless it stays.
---@param fields table<string, { [1]: OtlpReading, [integer]: string, stays: boolean? }>
---@return OtlpFields
function otlp.fields(fields)
  return fields
end

--- It stands at one item at a time; the next one takes its place.
---@class OtlpReader
local reader = {}

--- Goes to the next item: whether there is one, whether it is of another resource and whether it is
--- of another scope than the one before, and why it cannot be taken.
---@return boolean more, boolean new_resource, boolean new_scope, string? fault
function reader:next()
  return false, false, false
end

--- Unix nanoseconds: when the span began; when it ended, or when the log was; when a collector saw
--- the log.
---@return integer? start, integer? time, integer? observed
function reader:times() end

--- Hexadecimal in lower case.
---@return string? trace, string? span, string? parent
function reader:ids() end

--- Whether the span's status says that it failed, and its message.
---@return boolean failed, string? message
function reader:status()
  return false
end

--- Of the event or of the span.
---@return string?
function reader:name() end

--- Of a log, where it is a text.
---@return string?
function reader:body() end

--- The name of the instrumentation scope.
---@return string?
function reader:scope() end

--- Values of an attribute are texts, numbers, booleans, or lists and maps of them.
---@param name string
---@return any
function reader:get(name) end

--- Those fields that the item has.
---@param fields OtlpFields
---@return table<string, any>
function reader:fields(fields)
  return {}
end

--- The attributes that fields do not take, but for content; nil where none is left.
---@param fields OtlpFields? without: all of them
---@return Fragment?
function reader:rest(fields) end

--- The resource's attributes but for content, and those that dull does not name either.
---@param dull Content
---@return table<string, any>, Fragment?
function reader:resource(dull)
  return {}
end

--- How many resources and scopes, and how many attributes, were broken and are left out so far; and
--- of JSON, what around the items is of a wrong type: what is said of it, and how many items are
--- lost with it.
---@return integer groups, integer values, table<string, integer> misfits
function reader:broken()
  return 0, 0, {}
end

--- nil and why when the body is no such message.
---@param body string|Body  the request's body is taken
---@param encoding "json"|"protobuf"
---@param signal "logs"|"traces"
---@param content Content
---@return OtlpReader?
---@return string? message
function otlp.open(body, encoding, signal, content) end

return otlp
