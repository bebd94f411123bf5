--- What budgets have spent: read from the rollups by one loop, shared with all.
local json = require "json"
local kv = require "kv"
local notices = require "alerting.notices"
local period = require "budgets.period"
local shape = require "budgets.shape"
local storage = require "storage"

local look = {}

local EVERY_SECONDS, SHARE = 2, 20 -- a look that takes long is made as much more seldom
local TURN_SECONDS = 8   -- after which the rest keeps its figures until the next turn
local MOST_NAMES, MOST_LINES = 10000, 100
local OVERFLOW = "(other)"

local list = {}          ---@type Budget[]
local known, stamp = {}, 0 ---@type table<string, BudgetFigures>
local looked = {}        -- when, by the names of budgets
local next_at, commits = 0, nil

--- At load time.
---@param loaded Budget[]
function look.watch(loaded)
  list = loaded
end

-- What nobody has spent, and what stands for many, is nobody's.
local function spent_by_name(budget, groups)
  local spent = {}
  for _, group in ipairs(groups) do
    local name = budget.by and group[budget.by] or ""
    if not budget.by or name ~= "" and name ~= OVERFLOW then
      spent[name] = group.billed_cost_usd
    end
  end
  return spent
end

---@return BudgetFigures
local function measure(budget, now)
  local where, since, reset_at = period.of(budget, now)
  local groups, message = storage.aggregate {
    where = where, by = budget.by and { budget.by },
    measures = { "billed_cost_usd" }, order_by = "billed_cost_usd", descending = true,
    limit = MOST_NAMES,
  }
  if not groups then
    local old = known[budget.name]
    return { since = old and old.since or since, reset_at = old and old.reset_at or reset_at,
      as_of = old and old.as_of, spent = old and old.spent or {},
      exact = not old or old.exact, message = message }
  end
  return { since = since, reset_at = reset_at, as_of = now, spent = spent_by_name(budget, groups),
    exact = groups.exact ~= false }
end

local KEEP = { hold = 0, keep = math.huge } -- until the period ends
local ROLLING_PART = 24 -- a rolling window's end when so little of it has passed without

local function times_of(budget)
  return budget.rolling and { hold = 0, keep = budget.rolling / ROLLING_PART } or KEEP
end

local function look_at_name(turn, budget, figures, name, spent)
  local limit = shape.limit(budget, name)
  local group = budget.by and { [budget.by] = name } or {}
  local episode = turn:episode("budget", budget.name, group)
  local level = limit and shape.level(budget, spent / limit) or 0
  if level == 0 and episode.state.told == 0 then
    return
  elseif episode.period and episode.period ~= figures.since then
    turn:close(episode, function(told)
      return notices.budget(budget, group, spent, limit or 1, told, turn.now)
    end)
  end
  turn:step("budget", budget.name, group, { level = level, count = #budget.thresholds },
    times_of(budget), budget.notify, function(told)
      return notices.budget(budget, group, spent, limit or 1, told, turn.now)
    end)
  if not budget.rolling then
    turn:episode("budget", budget.name, group).period = figures.since
  end
end

local function look_at_budget(turn, budget, figures)
  for name, spent in pairs(figures.spent) do
    look_at_name(turn, budget, figures, name, spent)
  end
  for key, episode in pairs(turn:episodes("budget", budget.name)) do
    if not turn.looked[key] then
      look_at_name(turn, budget, figures, episode.group[budget.by] or "", 0)
    end
  end
end

local function close_gone(turn)
  for _, episode in pairs(turn:episodes "budget") do
    local there = false
    for _, budget in ipairs(list) do
      there = there or budget.name == episode.name
    end
    if not there then
      turn:close(episode)
    end
  end
end

-- One number says which figures are the newest and, unless it is 0, as of when all of them are
-- right: a verdict asks kv for nothing else.
local AS_OF_BITS = 34

local function share_as_of(as_of)
  kv.set("budgets.stamp", (kv.get "budgets.version" or 0) << AS_OF_BITS | as_of)
end

local function share_figures()
  kv.set("budgets.figures", json.encode(known))
  kv.incr "budgets.version"
  share_as_of(0)
end

-- Nothing has been stored, and no period has ended: what is known is true of now too.
local function is_unchanged(now, stats)
  local unchanged = commits == stats.commits
  for _, budget in ipairs(list) do
    local figures = known[budget.name]
    unchanged = unchanged and figures and not figures.message
      and (budget.rolling and now - figures.as_of < 60 or now < (figures.reset_at or 0))
  end
  return unchanged
end

-- Those that were looked at longest ago first, so that slow ones keep no other from its turn.
local function in_order()
  local ordered = table.move(list, 1, #list, 1, {})
  table.sort(ordered, function(a, b)
    return (looked[a.name] or 0) < (looked[b.name] or 0)
  end)
  return ordered
end

local function refresh(turn, stats)
  local began, fresh, late = os.time(), {}, false
  for _, budget in ipairs(in_order()) do
    late = late or os.time() - began >= TURN_SECONDS
    if late then
      fresh[budget.name] = known[budget.name]
    else
      fresh[budget.name], looked[budget.name] = measure(budget, turn.now), turn.now
      if not fresh[budget.name].message then
        look_at_budget(turn, budget, fresh[budget.name])
      end
    end
  end
  known, commits = fresh, nil
  share_figures()
  turn:once_kept(function()
    commits = not late and stats.commits or nil
  end)
  local now = os.time()
  next_at = now + math.max(EVERY_SECONDS, (now - began) * SHARE)
end

--- Reads what has been spent, if it may have changed.
---@param turn Turn
function look.at_budgets(turn)
  local stats = storage.stats()
  close_gone(turn)
  if #list == 0 or turn.now < next_at then
    return
  elseif is_unchanged(turn.now, stats) then
    share_as_of(turn.now)
    return
  end
  refresh(turn, stats)
end

-- json.decode makes floats of all numbers.
local function decode(text)
  local all = json.decode(text) or {}
  for _, figures in pairs(all) do
    for _, key in ipairs { "since", "reset_at", "as_of" } do
      figures[key] = math.tointeger(figures[key])
    end
  end
  return all
end

-- As the looking loop has shared it; made anew only when that has changed.
local function shared()
  local newest = kv.get "budgets.stamp" or 0
  if newest == stamp then
    return known
  elseif newest >> AS_OF_BITS ~= stamp >> AS_OF_BITS then
    known = decode(kv.get "budgets.figures" or "{}")
  end
  stamp = newest
  local as_of = newest & (1 << AS_OF_BITS) - 1
  if as_of > 0 then
    for _, figures in pairs(known) do
      figures.as_of = as_of
    end
  end
  return known
end

---@param now number
---@return table[]
function look.lines(now)
  local all, figures = json.array {}, shared()
  for _, budget in ipairs(list) do
    for _, line in ipairs(shape.lines(budget, figures[budget.name], now, MOST_LINES)) do
      all[#all + 1] = line
    end
  end
  return all
end

---@param scope table<string, string?>
---@param now number
---@return table
function look.verdict(scope, now)
  return shape.verdict(list, shared(), scope, now)
end

return look
