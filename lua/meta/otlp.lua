---@meta otlp

--- Log records and spans of OTLP, JSON or protobuf, one after another, without a table of what
--- nobody asks for.
local otlp = {}

--- Names of attributes that a decoder reads.
---@class OtlpNames

--- taken are left out of rest(), seen stay in it too.
---@param taken string[]
---@param seen string[]?
---@return OtlpNames
function otlp.names(taken, seen)
  return {}
end

--- It stands at one item at a time; the next one takes its place.
---@class OtlpReader
---@field fault string?      why the item cannot be taken
---@field time integer?      unix nanoseconds: of the log, or when the span ended
---@field observed integer?  when a collector saw the log
---@field start integer?     when the span began
---@field trace_id string?   hexadecimal in lower case, as the other ids
---@field span_id string?
---@field parent_id string?  the span's parent
---@field name string?       of the event or of the span
---@field body string?       of a log, where it is a text
---@field failed boolean     the span's status says so
---@field message string?    of the span's status
---@field scope string?      name of the instrumentation scope
local reader = {}

--- Goes to the next item: whether there is one, whether it is of another resource and whether it is
--- of another scope than the one before.
---@return boolean more, boolean new_resource, boolean new_scope
function reader:next()
  return false, false, false
end

--- Values of an attribute are texts, numbers, booleans, or lists and maps of them.
---@param name string
---@return any
function reader:get(name) end

--- Those attributes that names has.
---@param names OtlpNames
---@return table<string, any>
function reader:attributes(names)
  return {}
end

--- The other ones but for content; nil where none is left.
---@param names OtlpNames? without: all of them
---@return Fragment?
function reader:rest(names) end

--- The resource's attributes but for content, and those that dull does not name either.
---@param dull Content
---@return table<string, any>, Fragment?
function reader:resource(dull)
  return {}
end

--- How many resources and scopes, and how many attributes, were broken and are left out so far.
---@return integer groups, integer values
function reader:broken()
  return 0, 0
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
