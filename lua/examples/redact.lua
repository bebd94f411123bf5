--- A hook that keeps no client address: each becomes a pseudonym that is the same
--- for the same address.
---
--- It is live once lua/hooks.lua says:  return require "examples.redact"
--- and config.lua has settings = { redaction_key = "a secret of yours" }.
local config = require "config"
local crypto = require "crypto"

local key = config.settings.redaction_key
  or error("settings.redaction_key: set a secret text in config.lua", 0)

return {
  ---@param record Record
  ---@return Record?  nil drops the record
  on_record = function(record)
    if record.client_ip and record.client_ip ~= "" then
      record.client_ip = crypto.hmac(key, record.client_ip)
    end
    return record
  end,
}
