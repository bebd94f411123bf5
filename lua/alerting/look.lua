--- One look at the rules that are due: figures in, states and notices out.
local json = require "json"
local kv = require "kv"
local measured = require "alerting.measured"
local notices = require "alerting.notices"
local states = require "alerting.states"

local look = {}

local TURN_SECONDS = 8 -- after which the rules that are still due wait for the next turn

local ENDED_SECONDS = 300 -- until one that ended a turn is tried again

local rules = {}        ---@type Rule[]
local due = {}          -- by the name of a rule: when it is looked at next
local lines = {}        -- by the name of a rule: what GET /alerts shows of it
local published = false

--- The highest threshold that a value is beyond; 0: none.
---@param rule Rule
---@param value number
---@return integer
function look.level(rule, value)
  local level = 0
  for i, threshold in ipairs(rule.thresholds) do
    if rule.is == "above" and value > threshold or rule.is == "below" and value < threshold then
      level = i
    end
  end
  return level
end

-- What is seen where there is no figure; nil: all stays as it was.
local function look_at(rule, value)
  local count = #rule.thresholds
  if value then
    return { level = look.level(rule, value), count = count }
  elseif rule.no_data == "keep" then
    return nil
  end
  return { level = rule.no_data == "firing" and count or 0, count = count,
    missing = rule.no_data == "no_data" }
end

---@class AlertLine       of GET /alerts and its stream
---@field name string
---@field state "ok"|"pending"|"firing"|"no_data"|"error"
---@field severity string|Null    of the threshold that fires
---@field since number
---@field value number|Null
---@field threshold number|Null   that fires; else the first
---@field group table<string, string>
---@field message string?         why it cannot be evaluated

---@return AlertLine
local function line(rule, state, group, value)
  local level = states.level(state)
  return {
    name = rule.name, summary = rule.summary, state = states.name(state),
    severity = rule.severities[level] or json.null, since = state.since,
    value = value or json.null, threshold = rule.thresholds[math.max(level, 1)] or json.null,
    group = group, measure = type(rule.measure) == "string" and rule.measure or "function",
    is = rule.is,
  }
end

-- Goes on by one look at one group.
local function step(turn, rule, group, value)
  local seen, times = look_at(rule, value), rule.times
  local before = states.name(turn:episode("alert", rule.name, group).state)
  local state, told = turn:step("alert", rule.name, group, seen, times, rule.notify, function(what)
    return notices.alert(rule, group, value, what, turn.now)
  end)
  local shown = line(rule, state, group, value)
  if shown.state ~= before and not told then
    turn:announce { type = "alert", data = shown, timestamp = turn.now }
  end
  return shown
end

-- Who comes nearest to a threshold first, and who has no value last.
local function is_worse(rule, a, b)
  if a.value == json.null or b.value == json.null then
    return b.value == json.null and a.value ~= json.null
  elseif rule.is == "below" then
    return a.value < b.value
  end
  return a.value > b.value
end

-- What is not ok; or, where all is, the group that comes nearest to a threshold.
local function worth_showing(rule, all, now)
  local found, worst = {}, nil
  for _, shown in ipairs(all) do
    if shown.state ~= "ok" then
      found[#found + 1] = shown
    end
    worst = worst and not is_worse(rule, shown, worst) and worst or shown
  end
  if #found == 0 then
    local nobody = states.new(now)
    nobody.missing = rule.no_data == "no_data"
    found[1] = worst or line(rule, nobody, {})
  end
  return found
end

-- The lines of a rule that could be evaluated.
local function evaluate(turn, rule, values)
  local all = {}
  for _, measured_value in ipairs(values) do
    all[#all + 1] = step(turn, rule, measured_value.group, measured_value.value)
  end
  for key, episode in pairs(turn:episodes("alert", rule.name)) do
    if not turn.looked[key] then
      all[#all + 1] = step(turn, rule, episode.group, nil)
    end
  end
  return worth_showing(rule, all, turn.now)
end

-- Beside that it failed, what fired before it did.
local function failed_lines(turn, rule, state, message)
  local shown = line(rule, state, {}, nil)
  shown.state, shown.severity, shown.message = "error", "error", message
  local all = { shown }
  for _, episode in pairs(turn:episodes("alert", rule.name)) do
    if states.level(episode.state) > 0 then
      all[#all + 1] = line(rule, episode.state, episode.group, nil)
    end
  end
  return all
end

-- A function that uses up its time ends the turn, and all others with it: the next turn knows
-- whose it was.
local function measure(rule, now)
  if kv.get "alerting.measuring" == rule.name then
    kv.set("alerting.measuring", nil)
    return nil, "measure was ended: it ran for too long, or held too much memory", true
  end
  kv.set("alerting.measuring", rule.name)
  local values, message = measured.of(rule, now)
  kv.set("alerting.measuring", nil)
  return values, message
end

-- A rule that fails twice in a row, and for as long as its `for`, is told as one that fires.
local function look_at_rule(turn, rule)
  local values, message, ended = measure(rule, turn.now)
  local seen = { level = values and 0 or 1, count = 1 }
  local times = { hold = math.max(rule.times.hold, rule.every), keep = 0 }
  local state = turn:step("failure", rule.name, {}, seen, times, rule.notify, function(told)
    return notices.failure(rule.name, message, told, turn.now)
  end)
  lines[rule.name] = values and evaluate(turn, rule, values)
    or failed_lines(turn, rule, state, message)
  due[rule.name] = turn.now + math.max(rule.every, ended and ENDED_SECONDS or 0)
end

local function by_due(a, b)
  return (due[a.name] or 0) < (due[b.name] or 0)
end

-- What is remembered of rules that config.lua has no longer.
local function close_gone(turn)
  local there = {}
  for _, rule in ipairs(rules) do
    there[rule.name] = true
  end
  for _, kind in ipairs { "alert", "failure" } do
    for _, episode in pairs(turn:episodes(kind)) do
      if not there[episode.name] then
        turn:close(episode)
      end
    end
  end
end

--- At load time.
---@param list Rule[]
function look.watch(list)
  rules = list
end

---@param name string
---@return Rule?
function look.rule(name)
  for _, rule in ipairs(rules) do
    if rule.name == name then
      return rule
    end
  end
end

-- Of a rule that nobody has looked at yet, that there is no figure.
local function lines_as_json(now)
  local all = json.array {}
  for _, rule in ipairs(rules) do
    for _, shown in ipairs(lines[rule.name] or worth_showing(rule, {}, now)) do
      all[#all + 1] = shown
    end
  end
  return json.encode(all)
end

--- What GET /alerts shows, before and after looks: a list of AlertLine as JSON, of all loops.
---@param now number
---@return string
function look.shown(now)
  return kv.get "alerting.lines" or lines_as_json(now)
end

--- Looks at the rules that are due.
---@param turn Turn
function look.at_rules(turn)
  local has_looked = not published
  close_gone(turn)
  local ordered = table.move(rules, 1, #rules, 1, {})
  table.sort(ordered, by_due)
  for _, rule in ipairs(ordered) do
    if (due[rule.name] or 0) > turn.now or os.time() - turn.now >= TURN_SECONDS then
      break
    end
    look_at_rule(turn, rule)
    has_looked = true
  end
  if has_looked then
    published = true
    kv.set("alerting.lines", lines_as_json(turn.now))
  end
end

return look
