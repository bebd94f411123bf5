--- Calls that failed, as those tell who made them.
local values = require "lib.values"

local failures = {}

local no_answer = 599 -- a connection error has no status

-- The status that a provider gives with an error of this name: Anthropic's "Errors", OpenAI's
-- "Error codes" and Google's google.rpc.Code.
local statuses = {
  invalid_request_error = 400, authentication_error = 401, billing_error = 402,
  permission_error = 403, not_found_error = 404, request_too_large = 413, rate_limit_error = 429,
  api_error = 500, timeout_error = 504, overloaded_error = 529,

  server_is_overloaded = 503, slow_down = 503, server_error = 500, rate_limit_exceeded = 429,
  usage_limit_reached = 429, insufficient_quota = 429, context_length_exceeded = 400,
  invalid_prompt = 400,

  INVALID_ARGUMENT = 400, FAILED_PRECONDITION = 400, UNAUTHENTICATED = 401,
  PERMISSION_DENIED = 403, NOT_FOUND = 404, RESOURCE_EXHAUSTED = 429, CANCELLED = 499,
  INTERNAL = 500, UNAVAILABLE = 503, DEADLINE_EXCEEDED = 504,
}

local in_stream = 500

--- The status of a failure that came after an answer had begun with 200.
---@param kind string?
---@return integer
function failures.status(kind)
  return statuses[kind] or in_stream
end

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
