--- What is shown of budgets, and whether one more call may be made.  Figures in, tables out; no
--- clock, no storage.
local json = require "json"

local shape = {}

---@class BudgetFigures
---@field since number         when the period, or the rolling window, began
---@field reset_at number?     when the next begins; nil: it rolls
---@field as_of number?        when this was so; nil: never yet
---@field spent table<string, number>  dollars by name; under "" those of all together
---@field exact boolean        false: a rollup ran out of keys, and some of it is nobody's
---@field message string?      why newer figures could not be had

--- What a name may spend; nil: what it likes.
---@param budget Budget
---@param name string  "" where the budget is of all together
---@return number?
function shape.limit(budget, name)
  return budget.limits[name] or budget.limit_usd
end

--- How many of the thresholds are reached.
---@param budget Budget
---@param share number
---@return integer
function shape.level(budget, share)
  local level = 0
  for i, threshold in ipairs(budget.thresholds) do
    if share >= threshold then
      level = i
    end
  end
  return level
end

local function spent_by(figures, name, now)
  if not figures or figures.reset_at and now >= figures.reset_at then
    return 0 -- of a period that nobody has looked at
  end
  return figures.spent[name] or 0
end

-- A pace tells something once a hundredth of the period has passed.
local LEAST_PART = 0.01

--- At the pace so far: what will have been spent at the end of the period, and when the limit will
--- be; nil where that cannot be told.
---@return number? projected
---@return number? runs_out_at
function shape.project(spent, limit, since, reset_at, now)
  if not reset_at or now >= reset_at or now - since < LEAST_PART * (reset_at - since) then
    return nil
  end
  local pace = spent / (now - since)
  local runs_out = pace > 0 and since + limit / pace or nil
  return pace * (reset_at - since), runs_out and runs_out < reset_at and runs_out or nil
end

local function state_of(budget, figures, share)
  if figures and figures.message then
    return "error"
  elseif share >= 1 then
    return "exceeded"
  end
  return shape.level(budget, share) > 0 and "warning" or "ok"
end

local function line(budget, figures, name, now)
  local limit, spent = shape.limit(budget, name), spent_by(figures, name, now)
  local projected, runs_out
  if figures and figures.as_of then
    projected, runs_out =
      shape.project(spent, limit, figures.since, figures.reset_at, figures.as_of)
  end
  return {
    name = budget.name, summary = budget.summary, period = budget.period, tz = budget.tz,
    scope = budget.by and { [budget.by] = name } or {}, limit = limit, spent = spent,
    share = spent / limit, projected = projected or json.null, runs_out_at = runs_out or json.null,
    since = figures and figures.since or json.null,
    reset_at = figures and figures.reset_at or json.null,
    state = state_of(budget, figures, spent / limit), message = figures and figures.message,
    as_of = figures and figures.as_of or json.null, exact = not figures or figures.exact,
  }
end

-- Everybody who has a limit of their own or has spent something.
local function names_of(budget, figures)
  if not budget.by then
    return { "" }
  end
  local seen, names = {}, {}
  for _, source in ipairs { budget.limits, figures and figures.spent or {} } do
    for name in pairs(source) do
      if not seen[name] and shape.limit(budget, name) then
        seen[name], names[#names + 1] = true, name
      end
    end
  end
  return names
end

--- Lines of one budget, those that have used the largest share first.
---@param budget Budget
---@param figures BudgetFigures?
---@param now number
---@param most integer
---@return table[]
function shape.lines(budget, figures, now, most)
  local lines = {}
  for i, name in ipairs(names_of(budget, figures)) do
    lines[i] = line(budget, figures, name, now)
  end
  table.sort(lines, function(a, b)
    if a.share ~= b.share then
      return a.share > b.share
    end
    return (a.scope[budget.by] or "") < (b.scope[budget.by] or "")
  end)
  for i = #lines, most + 1, -1 do
    lines[i] = nil
  end
  return lines
end

--- Whether one more call may be made: by the budget of which the largest share is spent.
---@param list Budget[]
---@param figures table<string, BudgetFigures>  by the names of budgets
---@param scope table<string, string?>          who asks: user, team, ..
---@param now number
---@return table
function shape.verdict(list, figures, scope, now)
  local tightest, tightest_share, spent_there, limit_there = nil, -1, nil, nil
  for _, budget in ipairs(list) do
    local name = ""
    if budget.by then
      name = scope[budget.by]
    end
    local limit = name and (name ~= "" or not budget.by) and shape.limit(budget, name)
    local spent = limit and spent_by(figures[budget.name], name, now)
    if spent and spent / limit > tightest_share then
      tightest, tightest_share, spent_there, limit_there = budget, spent / limit, spent, limit
    end
  end
  local found = tightest and figures[tightest.name]
  return {
    allow = tightest_share < 1, budget = tightest and tightest.name,
    spent = spent_there or json.null, limit = limit_there or json.null,
    reset_at = found and found.reset_at or json.null, as_of = found and found.as_of or json.null,
  }
end

return shape
