--- Calls that failed, as those tell who made them.
local values = require "lib.values"

local failures = {}

local no_answer = 599 -- a connection error has no status

-- The errors of OpenAI's and Anthropic's SDKs, and of their APIs.
local kinds = {
  BadRequestError = 400, invalid_request_error = 400,
  AuthenticationError = 401, authentication_error = 401,
  PermissionDeniedError = 403, permission_error = 403,
  NotFoundError = 404, not_found_error = 404,
  RateLimitError = 429, rate_limit_error = 429,
  overloaded_error = 529,
}

-- Where messages begin with a status: "429 slow down", "Error: 429 slow down", "Error code: 429 -".
local beginnings = { "^(%d+)%f[%s:\0]", "^[%w_.]+: (%d+)%f[%s:\0]", "^Error code: (%d+)%f[%s:\0]" }

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
