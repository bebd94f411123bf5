--- What a rule measures: its figure of the last window, per group.
local faults = require "lib.faults"
local figures = require "analytics.figures"
local json = require "json"
local spend = require "analytics.spend"
local storage = require "storage"

local measured = {}

local MOST_GROUPS = 1000
local MINUTE, HOUR = 60, 3600

--- The conditions of a window that ends now.  A long one begins, and ends, with a whole minute or
--- hour, so that cells answer it; it is at most a sixtieth longer than it says.
---@param window integer  seconds
---@param now number
---@return Condition[]
function measured.last(window, now)
  local width = window >= 60 * HOUR and HOUR or window >= HOUR and MINUTE or 1
  local first, last = (now - window) // width * width, (now // width + 1) * width
  return { { "timestamp", ">=", first }, { "timestamp", "<", last } }
end

---@param rule Rule
---@param now number
---@return Questions
function measured.question(rule, now)
  local where = measured.last(rule.window, now)
  table.move(rule.where, 1, #rule.where, #where + 1, where)
  local sketch, percent = rule.measure:match "^(.+)_p(%d+)$"
  return {
    where = where, by = rule.by, order_by = "requests", descending = true,
    limit = #rule.by > 0 and MOST_GROUPS or nil,
    sketches = sketch and { sketch } or nil, quantiles = percent and { percent / 100 } or nil,
  }
end

--- The figure of a group; nil where nobody knows it: a mean, a share or a percentile of no requests
--- is none, while a sum of none is 0.
---@param rule Rule
---@param group Group
---@return number?
function measured.value(rule, group)
  if group.requests < rule.min_requests
    or group.requests == 0 and not spend.ORDERS[rule.measure] then
    return nil
  end
  local value = spend.shape(group)[rule.measure]
  return value ~= json.null and value or nil
end

local function ask(rule, now)
  local groups, message = storage.aggregate(measured.question(rule, now))
  if not groups then
    return nil, message
  end
  if #rule.by == 0 and #groups == 0 then
    groups = { figures.NONE }
  end
  local values = {}
  for i, group in ipairs(groups) do
    local names = {}
    for _, column in ipairs(rule.by) do
      names[column] = tostring(group[column])
    end
    values[i] = { group = names, value = measured.value(rule, group) }
  end
  return values
end

local NO_VALUES = "measure must answer a number, nil, or a list of { group = { column = value }, "
  .. "value = number }"

-- What a function has answered for one group; nil where that is nothing of the kind.
local function read_value(answer)
  local is_value = type(answer) == "table" and type(answer.group) == "table"
    and (answer.value == nil or type(answer.value) == "number")
  if not is_value then
    return nil
  end
  local group, value = {}, answer.value
  for column, name in pairs(answer.group) do
    group[tostring(column)] = tostring(name)
  end
  return { group = group, value = value == value and value or nil } -- NaN is nothing known
end

local function call(rule, now)
  local answer, message = rule.measure(rule, now)
  if answer == nil and message then
    return nil, tostring(message)
  elseif type(answer) ~= "table" then
    answer = { { group = {}, value = answer } }
  elseif #answer > MOST_GROUPS then
    return nil, ("more than %d groups"):format(MOST_GROUPS)
  elseif not faults.is_list(answer) then
    return nil, NO_VALUES
  end
  local values = {}
  for i, of_group in ipairs(answer) do
    values[i] = read_value(of_group)
    if not values[i] then
      return nil, NO_VALUES
    end
  end
  return values
end

--- The rule's figures now, a line per group; nil and why where they cannot be had.
---@param rule Rule
---@param now number
---@return RuleValue[]?
---@return string? message
function measured.of(rule, now)
  local fetch = type(rule.measure) == "function" and call or ask
  local fine, values, message = pcall(fetch, rule, now)
  if not fine then
    return nil, tostring(values)
  end
  return values, message
end

return measured
