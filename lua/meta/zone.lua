---@meta zone

--- The machine's time zones.  lua/lib/zones.lua reads them.
local zone = {}

--- The bytes of a zone's TZif file (RFC 8536); nil where this machine has no zone of that name.
---@param name string  as IANA writes it, such as "Europe/Berlin"
---@return string?
function zone.read(name) end

return zone
