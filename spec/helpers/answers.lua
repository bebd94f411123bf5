--- What a server answers about its rows: to compare one store with another, or with itself later.
local helpers = require "spec.helpers"
local json = require "spec.helpers.json"

local answers = {}

local WINDOW = "start_time=%d&end_time=%d"

--- Each way in which rows are asked for; %s is the window.
local TARGETS = {
  "/logs/query?limit=10000&%s",
  "/logs/query?limit=10000&model=gpt-4o&%s",
  "/logs/entries?limit=1000&order_by=cost_usd&order_desc=true&%s",
  "/logs/entries?limit=20&offset=30&service_type=sdk&%s",
  "/logs/analytics?%s",
  "/logs/overview?%s",
  "/logs/sessions?%s",
  "/logs/breakdown?by=model&%s",
  "/logs/breakdown?by=user,team&%s",
  "/logs/breakdown?by=status_code&every=day&%s",
  "/logs/values?field=client_ip&%s",
  "/logs/errors?%s",
  "/logs/export?format=csv&%s",
  "/logs/export?format=ndjson&%s",
}

-- When it was made, and how long that took, differs.
local PASSING = { timestamp = true, query_time = true }

local function shape(response)
  if not (response.headers["content-type"] or ""):find "^application/json" then
    return response.body
  end
  local value = response.json()
  for name in pairs(PASSING) do
    value[name] = nil
  end
  return value
end

-- What the log says to be under way has ended.
local function settled(s)
  local log, open = s:log(), 0
  for words in log:gmatch 'msg="([%w ]+)"' do
    open = open + (words:find " are being " and 1 or words:find " are rebuilt" and -1
      or words:find " are filled" and -1 or 0)
  end
  return open == 0
end

--- By target, once what an older file lacked is made.
---@param s Server
---@param first integer  the window, unix seconds
---@param last integer
---@return table<string, any>
function answers.of(s, first, last)
  helpers.eventually(function() return settled(s) end)
  local found = {}
  for _, target in ipairs(TARGETS) do
    target = target:format(WINDOW:format(first, last))
    local response = s:get(target)
    assert(response.status == 200, target .. ": " .. response.body)
    found[target] = shape(response)
  end
  return found
end

--- All rows, whatever their order.
---@return table<string, table>  by id
function answers.rows(s)
  local rows = {}
  for line in s:get("/logs/export?format=ndjson&start_time=0").body:gmatch "[^\n]+" do
    local row = json.decode(line)
    rows[row.request_id] = row
  end
  return rows
end

return answers
