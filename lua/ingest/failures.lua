--- What stands in the record of a call that failed: a status, by whatever tells one, the error's
--- kind and its message.
local values = require "lib.values"

local failures = {}

local no_answer = 599 -- a connection error has no status

--- Of a failure that came within an answer of 200, where nothing says more.
failures.in_stream = 500

-- The status that a provider gives with an error of this name: Anthropic's "Errors", OpenAI's
-- "Error codes" and Google's google.rpc.Code; and the names that OpenAI's and Anthropic's SDKs have
-- for them.
local kinds = {
  invalid_request_error = 400, authentication_error = 401, billing_error = 402,
  permission_error = 403, not_found_error = 404, request_too_large = 413, rate_limit_error = 429,
  api_error = 500, timeout_error = 504, overloaded_error = 529,

  server_is_overloaded = 503, slow_down = 503, server_error = 500, rate_limit_exceeded = 429,
  usage_limit_reached = 429, insufficient_quota = 429, context_length_exceeded = 400,
  invalid_prompt = 400,

  INVALID_ARGUMENT = 400, FAILED_PRECONDITION = 400, UNAUTHENTICATED = 401,
  PERMISSION_DENIED = 403, NOT_FOUND = 404, RESOURCE_EXHAUSTED = 429, CANCELLED = 499,
  INTERNAL = 500, UNAVAILABLE = 503, DEADLINE_EXCEEDED = 504,

  BadRequestError = 400, AuthenticationError = 401, PermissionDeniedError = 403,
  NotFoundError = 404, ConflictError = 409, UnprocessableEntityError = 422, RateLimitError = 429,
  InternalServerError = 500, APITimeoutError = 504, APIConnectionError = no_answer,
}

-- Where messages begin with a status: "429 slow down", "Error: 429 slow down", "Error code: 429 -".
local beginnings = {
  "^(%d+)%f[%s:\0]", "^[%w_.]*[Ee]rror: (%d+)%f[%s:\0]", "^Error code: (%d+)%f[%s:\0]",
  "^[%u_]+: (%d+)%f[%s:\0]", -- RESOURCE_EXHAUSTED: 429
}

local function failed(status)
  return status and status >= 400 and status < 600 and status or nil
end

local function in_message(message)
  for _, beginning in ipairs(beginnings) do
    local status = failed(tonumber(message:match(beginning)))
    if status then
      return status
    end
  end
  return nil
end

--- The status that an error's kind, a number or a name, or else its message stands for.
---@param kind string|integer|nil
---@param message string?
---@return integer?
function failures.status(kind, message)
  local class = tostring(kind):match "[%w_]+$" -- openai.RateLimitError
  return failed(values.count(kind)) or kinds[class] or message and in_message(message) or nil
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
