---@meta protobuf

--- Protocol Buffers from descriptions, without generated code.
local protobuf = {}

--- A field is {number, type, repeated = true?}; type is string, hex (bytes shown as
--- hexadecimal), bool, int, fixed64, fixed32, double, or the name of a message of
--- the same schema.
---@alias ProtobufField {[1]: integer, [2]: string, repeated: boolean?}

---@class ProtobufSchema
local schema = {}

--- A table of the message's known fields; nil and why when the bytes are no such
--- message.  A message inside it that is broken is left out: the second result
--- counts those by the name of their type.
---@param name string
---@param bytes string|Body
---@return table?, table<string, integer>|string
function schema:decode(name, bytes) end

--- An iterator over the messages of a list deep inside of a message, without
--- decoding the whole: fields are those of the lists on the way.  Each turn gives
--- the message, and each one around it but for the list in it, the outermost first,
--- when it is another one than before.  The second result counts what was broken,
--- by the name of its type; nil and why when the bytes are no such message.
---@param name string
---@param bytes string|Body
---@param fields string[]  one to four
---@return (fun(): table?, table?, table?, table?)?, table<string, integer>|string
function schema:items(name, bytes, fields) end

---@param messages table<string, table<string, ProtobufField>>
---@return ProtobufSchema
function protobuf.schema(messages) end

return protobuf
