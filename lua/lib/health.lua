--- Answers of the health endpoints (application/health+json, draft-inadarei-api-health-check-06).
local config = require "config"
local dates = require "lib.dates"
local json = require "json"
local storage = require "storage"

local health = {}

local function uses_storage()
  return config.storage.backend ~= "none"
end

--- Why the store cannot answer; nil when it can.
---@return string?
function health.store_failure()
  if not uses_storage() then
    return nil
  end
  local rows, message = storage.sql "SELECT 1"
  local stats = storage.stats()
  if stats.fault or not rows then
    return stats.fault or message
  elseif not stats.writable then
    return "the last commit failed"
  end
end

---@param now number
---@return table<string, table[]>
function health.checks(now)
  if not uses_storage() then
    return {}
  end
  local stats, time = storage.stats(), dates.iso(now)
  local function figure(value, unit)
    return json.array { { observedValue = value, observedUnit = unit, time = time } }
  end
  return {
    ["storage:rows"] = figure(stats.rows, "rows"),
    ["storage:size"] = figure(stats.file_bytes, "bytes"),
    ["storage:queue"] = figure(stats.queued_bytes, "bytes"),
  }
end

--- What is missing of the store, which works without, though some questions are refused.
---@return string?
function health.concern()
  local missing = uses_storage() and storage.stats().missing_part
  return missing and missing .. " is not there: put it back from a backup" or nil
end

---@param failure string?
---@param body table  with output where there is a concern
---@return Response
function health.answer(failure, body)
  body.status = failure and "fail" or body.output and "warn" or "pass"
  body.output = failure or body.output
  return {
    status = failure and 503 or 200,
    headers = { ["content-type"] = "application/health+json", ["cache-control"] = "no-cache" },
    json = body,
  }
end

return health
