---@meta price_file

--- The one file outside of lua/ that scripts may read: pricing.file of config.lua.
local price_file = {}

--- Its text; nil when none is configured; nil and why when it cannot be read.
--- While a request is answered, not at load time.
---@return string?, string?
function price_file.read() end

return price_file
