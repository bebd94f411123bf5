--- What becomes of one group of a rule from look to look: ok, pending, firing, resolved.  Figures
--- and moments in, a state and what is to be told out; no clock, no storage.
---
--- Each threshold is a rule of its own, as in Prometheus: beyond it for `hold` seconds it fires,
--- and fires on until it has not been beyond it for `keep`.  The state is that of the highest
--- threshold that fires.  Between the first that fires and the last that ends is an episode, in
--- which each threshold is told once.
local states = {}

---@class AlertThreshold
---@field since number?    beyond it since
---@field firing boolean?
---@field clear number?    firing, and not beyond it since

---@class AlertState       what is kept of a group
---@field thresholds AlertThreshold[]
---@field started number?  when the episode began
---@field told integer     the highest threshold that was told in it; 0: none
---@field told_at number?  when it was told last
---@field since number     in this state since
---@field missing boolean? there were no figures

---@class AlertTimes
---@field hold number      seconds
---@field keep number
---@field again number?    told again while it fires

---@class AlertTold
---@field status "firing"|"resolved"
---@field level integer    the threshold
---@field started number
---@field turn integer     0, and counted up where it is told again

---@return AlertState
function states.new(now)
  return { thresholds = {}, told = 0, since = now }
end

local function step_threshold(t, beyond, now, times)
  if beyond then
    t.since, t.clear = t.since or now, nil
    t.firing = t.firing or now - t.since >= times.hold
  elseif t.firing then
    t.clear = t.clear or now
    if now - t.clear >= times.keep then
      t.since, t.firing, t.clear = nil, nil, nil
    end
  else
    t.since = nil
  end
  return t
end

-- The highest threshold that fires.
local function level_of(state)
  for level = #state.thresholds, 1, -1 do
    if state.thresholds[level].firing then
      return level
    end
  end
  return 0
end

states.level = level_of

local function is_pending(state)
  for _, t in ipairs(state.thresholds) do
    if t.since and not t.firing then
      return true
    end
  end
  return false
end

--- ok, pending, firing or no_data.
---@param state AlertState
---@return string
function states.name(state)
  if level_of(state) > 0 then
    return "firing"
  elseif state.missing then
    return "no_data"
  end
  return is_pending(state) and "pending" or "ok"
end

local function tell(state, level, now, times)
  local again = times.again and state.told_at and now - state.told_at >= times.again
  if level > state.told then
    state.told, state.told_at, state.turn = level, now, 0
  elseif level > 0 and again then
    state.told_at, state.turn = now, state.turn + 1
  else
    return nil
  end
  return { status = "firing", level = level, started = state.started, turn = state.turn }
end

--- Ends the episode; what is to be told of that, nil where nothing was told of it.
---@param state AlertState
---@return AlertTold?
function states.resolve(state)
  local told = state.told > 0
    and { status = "resolved", level = state.told, started = state.started, turn = 0 } or nil
  state.told, state.told_at, state.turn, state.started = 0, nil, nil, nil
  for _, t in ipairs(state.thresholds) do
    t.since, t.firing, t.clear = nil, nil, nil
  end
  return told
end

--- Goes on by one look.
---@param state AlertState   changed
---@param look { level: integer, count: integer, missing: boolean? }  the highest threshold that the
--- value is beyond, of so many
---@param now number
---@param times AlertTimes
---@return AlertTold?
function states.step(state, look, now, times)
  local before = states.name(state)
  for level = 1, look.count do
    state.thresholds[level] =
      step_threshold(state.thresholds[level] or {}, level <= look.level, now, times)
  end
  for level = look.count + 1, #state.thresholds do
    state.thresholds[level] = nil
  end
  state.missing = look.missing
  local level, told = level_of(state), nil
  if level > 0 then
    state.started = state.started or now
    told = tell(state, level, now, times)
  elseif state.started then
    told = states.resolve(state)
  end
  if states.name(state) ~= before then
    state.since = now
  end
  return told
end

--- Whether nothing of it is worth keeping.
---@param state AlertState
---@return boolean
function states.is_idle(state)
  return states.name(state) == "ok" and state.told == 0
end

return states
