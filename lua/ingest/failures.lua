--- Calls that failed, as those tell who made them.
local values = require "lib.values"

local failures = {}

local no_answer = 599 -- a connection error has no status

---@param record table
---@param status integer|false|nil  none where no answer came
---@param kind string?
---@param message string?
function failures.put(record, status, kind, message)
  record.status_code = status or no_answer
  record.error_type = kind
  record.error_message = values.clip(message, 1024)
end

return failures
