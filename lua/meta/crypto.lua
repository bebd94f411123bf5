---@meta crypto

--- Digests and identifiers.
local crypto = {}

--- SHA-256 as 64 hexadecimal digits.
---@param text string
---@return string
function crypto.sha256(text) end

--- HMAC-SHA-256 as 64 hexadecimal digits: what stands for an address or a name that
--- must not be stored.  Without the key nobody can try all addresses.
---@param key string
---@param text string
---@return string
function crypto.hmac(key, text) end

--- A random UUID.
---@return string
function crypto.uuid4() end

--- A UUID that begins with the time.
---@return string
function crypto.uuid7() end

return crypto
