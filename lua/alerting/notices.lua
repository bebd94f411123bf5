--- What a receiver is told: a table for programs, with a sentence for people.
local crypto = require "crypto"
local dates = require "lib.dates"
local duration = require "lib.duration"
local json = require "json"

local notices = {}

---@class Notice
---@field key string         the same each time that it is sent
---@field kind "alert"|"budget"|"test"
---@field status "firing"|"resolved"
---@field name string        of the rule or the budget
---@field severity string    warning, critical, or error: the rule cannot be evaluated
---@field group table<string, string>
---@field value number|Null
---@field threshold number|Null
---@field text string        a sentence
---@field summary string?    of the rule
---@field started string     ISO 8601
---@field at string

local function named(group)
  local parts = {}
  for column, value in pairs(group) do
    parts[#parts + 1] = ("%s %s"):format(column, value == "" and "(none)" or value)
  end
  table.sort(parts)
  return table.concat(parts, ", ")
end

--- A number as people read it: 12.5, 0.03, 1500.
---@param number number
---@return string
function notices.number(number)
  return (("%.4f"):format(number):gsub("%.?0+$", ""))
end

-- The same episode, threshold and turn have the same key.
local function key_of(notice, started, level, turn)
  local of = json.array { notice.kind, notice.name, notice.group, notice.status, notice.severity,
    started, level, turn }
  return crypto.sha256(json.encode(of)):sub(1, 32)
end

local function finish(notice, told, now)
  notice.started, notice.at = dates.iso(told.started), dates.iso(now)
  notice.key = key_of(notice, told.started, told.level, told.turn)
  return notice
end

local function measure_of(rule)
  return type(rule.measure) == "string" and rule.measure or "the value"
end

local function firing_text(rule, group, severity, threshold, value)
  local about = named(group)
  return ("%s is %s: %s is %s, %s %s, in the last %s%s"):format(rule.name, severity,
    measure_of(rule), value and notices.number(value) or "unknown", rule.is,
    notices.number(threshold), duration.text(rule.window),
    about ~= "" and " (" .. about .. ")" or "")
end

--- Of a group of a rule.
---@param rule Rule
---@param group table<string, string>
---@param value number?
---@param told AlertTold
---@param now number
---@return Notice
function notices.alert(rule, group, value, told, now)
  local severity, threshold = rule.severities[told.level], rule.thresholds[told.level]
  local about = named(group)
  local text = told.status == "firing"
      and firing_text(rule, group, severity, threshold, value)
    or ("%s is over%s; it began at %s"):format(rule.name,
      about ~= "" and " for " .. about or "", dates.iso(told.started))
  return finish({
    kind = "alert", status = told.status, name = rule.name, severity = severity or "critical",
    group = group, value = value or json.null, threshold = threshold or json.null, text = text,
    summary = rule.summary,
  }, told, now)
end

--- Of a rule that cannot be evaluated, or can again.
---@param name string
---@param message string?  why not
---@param told AlertTold
---@param now number
---@return Notice
function notices.failure(name, message, told, now)
  local text = told.status == "firing" and ("%s cannot be evaluated: %s"):format(name, message)
    or ("%s can be evaluated again"):format(name)
  return finish({
    kind = "alert", status = told.status, name = name, severity = "error", group = {},
    value = json.null, threshold = json.null, text = text,
  }, told, now)
end

--- Of a rule or budget that is no longer in config.lua.
---@param told AlertTold
---@param episode Episode
---@param now number
---@return Notice
function notices.gone(told, episode, now)
  return finish({
    kind = episode.kind == "budget" and "budget" or "alert", status = "resolved",
    name = episode.name, severity = episode.severity or "critical", group = episode.group,
    value = json.null, threshold = json.null,
    text = ("%s is no longer watched"):format(episode.name),
  }, told, now)
end

local function period_of(budget)
  return (budget.rolling and "the last " or "this ") .. budget.period
end

--- Of a budget: how much of it is spent.
---@param budget Budget
---@param spent number     dollars
---@param limit number
---@param told AlertTold
---@param now number
---@return Notice
function notices.budget(budget, group, spent, limit, told, now)
  local share = budget.thresholds[told.level] or 1
  local about = named(group)
  local who = about ~= "" and budget.name .. ", " .. about or budget.name
  local text = told.status == "firing"
      and ("%s: %s of %s dollars are spent (%s %%, %s)"):format(who, notices.number(spent),
        notices.number(limit), notices.number(spent / limit * 100), period_of(budget))
    or ("%s: %s of %s dollars are spent (%s); the last time is over"):format(who,
      notices.number(spent), notices.number(limit), period_of(budget))
  return finish({
    kind = "budget", status = told.status, name = budget.name,
    severity = share >= 1 and "critical" or "warning", group = group, value = spent,
    threshold = share * limit, text = text, summary = budget.summary,
  }, told, now)
end

--- One that says of itself that it is a test.
---@param name string
---@param now number
---@return Notice
function notices.test(name, now)
  return finish({
    kind = "test", status = "firing", name = name, severity = "warning", group = {},
    value = json.null, threshold = json.null,
    text = ("%s: this is a test of Moonledger's notifications; nothing has happened"):format(name),
  }, { started = now, level = 0, turn = 0 }, now)
end

return notices
