--- Rules as config.lua and lua/alerts/ write them, checked and made whole.
local config = require "config"
local duration = require "lib.duration"
local faults = require "lib.faults"
local spend = require "analytics.spend"
local storage = require "storage"

local rules = {}

---@class Rule
---@field name string
---@field summary string?
---@field measure string|fun(rule: Rule, now: number): (number|RuleValue[])?, string?
---@field where Condition[]
---@field by string[]
---@field window integer            seconds, as the other times
---@field thresholds number[]       warning, critical: those that there are
---@field severities string[]       their names
---@field is "above"|"below"
---@field times AlertTimes
---@field every integer
---@field min_requests integer      fewer in the window are no data
---@field no_data "no_data"|"ok"|"firing"|"keep"
---@field notify string[]           names of notifiers

---@class RuleValue                 what a function answers for a group
---@field group table<string, string>
---@field value number?             nil: no data

local SEVERITIES = { "warning", "critical" }
local OPS = faults.set("= != in not_in < <= > >= prefix matches not_matches")
local MOST_BY, MOST_RULES = 3, 200

local function known_measures()
  local names = {}
  for name in pairs(spend.NONE) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- Each reads a key's value: what it means, or nil and what was expected.
local read = {}

local function read_duration(value)
  return duration.seconds(value), duration.EXPECTED
end

local function read_number(value)
  return type(value) == "number" and value == value and value or nil, "a number"
end

local function one_of(words)
  local set = faults.set(words)
  return function(value)
    return set[value] and value or nil, "one of " .. words:gsub(" ", ", ")
  end
end

read.name, read.summary = faults.read_text, faults.read_text
read.window, read.every, read["for"] = read_duration, read_duration, read_duration
read.keep_firing_for, read.repeat_every = read_duration, read_duration
read.warning, read.critical = read_number, read_number
read.is = one_of "above below"
read.no_data = one_of "no_data ok firing keep"

local MEASURES = known_measures()
local MEASURE_SET = faults.set(table.concat(MEASURES, " "))

function read.measure(value)
  local fine = type(value) == "function" or MEASURE_SET[value]
  return fine and value or nil,
    "a function, or a figure of /logs/breakdown: " .. table.concat(MEASURES, ", ")
end

function read.min_requests(value)
  return math.type(value) == "integer" and value >= 0 and value or nil, "a count of requests"
end

function read.by(value)
  local list = type(value) == "string" and { value } or value
  local keys = faults.set(table.concat(storage.columns "keys", " "))
  local fine = faults.is_list(list) and #list >= 1 and #list <= MOST_BY
  for _, column in ipairs(fine and list or {}) do
    fine = fine and keys[column]
  end
  return fine and list or nil, "one to three columns, such as { \"model\" }"
end

function read.where(value)
  local columns = faults.set(table.concat(storage.columns "all", " "))
  local fine, unknown = faults.is_list(value), ""
  for _, condition in ipairs(fine and value or {}) do
    local column = type(condition) == "table" and condition[1]
    if type(column) == "string" and not columns[column] then
      unknown = (" (there is no column %q)"):format(column)
    end
    fine = fine and columns[column] and OPS[condition[2]] and condition[3] ~= nil
  end
  return fine and value or nil,
    'conditions such as { { "model", "prefix", "claude" } }' .. unknown
end

function read.notify(value)
  local list = type(value) == "string" and { value } or value
  local notifiers, fine = config.notify or {}, faults.is_list(list)
  for _, name in ipairs(fine and list or {}) do
    fine = fine and notifiers[name] ~= nil
  end
  return fine and list or nil, "names that stand in notify, such as { \"ops\" }"
end

local function all_notifiers()
  local names = {}
  for name in pairs(config.notify or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

rules.read_notify, rules.all_notifiers = read.notify, all_notifiers

local function complete(fields)
  local thresholds, severities = {}, {}
  for _, severity in ipairs(SEVERITIES) do
    if fields[severity] then
      thresholds[#thresholds + 1], severities[#severities + 1] = fields[severity], severity
    end
  end
  ---@type Rule
  return {
    name = fields.name, summary = fields.summary, measure = fields.measure,
    where = fields.where or {}, by = fields.by or {}, window = fields.window or 3600,
    thresholds = thresholds, severities = severities, is = fields.is or "above",
    times = { hold = fields["for"] or 0, keep = fields.keep_firing_for or 0,
      again = fields.repeat_every },
    every = fields.every or 30, min_requests = fields.min_requests or 0,
    no_data = fields.no_data or "no_data", notify = fields.notify or all_notifiers(),
  }
end

local function check_together(fields, add)
  local warning, critical = fields.warning, fields.critical
  if not fields.name then
    add("name", "a rule needs one")
  end
  if fields.measure == nil then
    add("measure", "a rule needs one: " .. select(2, read.measure()))
  end
  if not warning and not critical then
    add("critical", "a rule needs a threshold: warning = NUMBER, critical = NUMBER or both")
  elseif warning and critical and (warning < critical) ~= (fields.is ~= "below") then
    add("critical", ("is %s: it must lie beyond warning, %s"):format(critical, warning))
  end
end

--- A rule out of what an entry says; nil where something is wrong, which add is told, key by key.
---@param entry table<string, any>
---@param add fun(key: string, message: string)
---@return Rule?
function rules.read(entry, add)
  local fields = faults.read(entry, read, add, check_together)
  return fields and complete(fields)
end

-- An entry is a table; "alerts.FILE"; or { "alerts.FILE", key = other value }.
local function resolve(entry)
  if type(entry) == "string" then
    entry = { entry }
  elseif type(entry) ~= "table" then
    return nil, "expected a rule { name = .. }, or a file such as \"alerts.error_ratio\""
  end
  local module = entry[1]
  if module == nil then
    return entry
  elseif type(module) ~= "string" or not module:find "^alerts%.[%w_.]+$" then
    return nil, "the file must be one of lua/alerts/, such as \"alerts.error_ratio\""
  end
  local fine, file = pcall(require, module)
  local merged = { name = module:match "[^.]+$" }
  if not fine then
    return nil, tostring(file)
  elseif type(file) ~= "table" then
    return nil, ("lua/%s.lua must return a rule"):format(module:gsub("%.", "/"))
  end
  for _, source in ipairs { file, entry } do
    for key, value in pairs(source) do
      if key ~= 1 then
        merged[key] = value
      end
    end
  end
  return merged
end

--- The rules of config.lua.
---@param found Faults
---@return Rule[]
function rules.load(found)
  local list = {}
  local entries = faults.plain(config.alerts or {})
  for i, entry in ipairs(entries) do
    local place = ("alerts[%d]"):format(i)
    local resolved, message = resolve(entry)
    if not resolved then
      found:add(place, nil, message)
    else
      list[#list + 1] = rules.read(resolved, found:at(place, resolved.name))
    end
  end
  if #entries > MOST_RULES then
    found:add("alerts", nil, ("at most %d rules"):format(MOST_RULES))
  end
  found:unique("alerts", list)
  return list
end

return rules
