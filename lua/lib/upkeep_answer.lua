--- How /-/backup, /-/verify and /-/upkeep answer: long work on the database, as it stands.
local json = require "json"
local upkeep = require "upkeep"

local upkeep_answer = {}

local statuses = { busy = 409, unavailable = 503, no_folder = 409, failed = 503 }

local function state_of(state)
  return state.running and "running" or state.error and "failed" or "done"
end

--- What runs or ran last.
---@return Response
function upkeep_answer.now()
  local state = upkeep.state()
  if not state then
    return { json = { what = json.null, state = "none" } }
  end
  local faults
  for _, check in ipairs(state.checks or {}) do
    faults = (faults or 0) + check.faults
  end
  return {
    status = state.running and 202 or 200,
    json = {
      what = state.what, state = state_of(state), step = state.step, done = state.done,
      total = state.total, began = state.began, ended = state.ended, folder = state.folder,
      checks = state.checks and json.array(state.checks), faults = faults, error = state.error,
    },
  }
end

--- Starts work, or tells of the same that runs already.
---@param what UpkeepWork
---@param options table?
---@return Response
function upkeep_answer.start(what, options)
  local started, message, reason = upkeep.start(what, options)
  local state = upkeep.state()
  if started or reason == "busy" and state and state.what == what then
    return upkeep_answer.now()
  end
  return { status = statuses[reason], detail = message }
end

return upkeep_answer
