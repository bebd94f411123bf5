package.path = "lua/?.lua;" .. package.path
local states = require "alerting.states"

-- What a group tells and shows while it is seen so: { moment, level, state, told }.
local function walk(times, looks, count)
  local state = states.new(looks[1][1])
  for _, look in ipairs(looks) do
    local told = states.step(state,
      { level = look[2], count = count or 2, missing = look.missing }, look[1], times)
    local text = told and ("%s %d from %d turn %d"):format(told.status, told.level, told.started,
      told.turn)
    assert.same({ look[1], look[3], look[4] }, { look[1], states.name(state), text })
  end
  return state
end

local AT_ONCE = { hold = 0, keep = 0 }

describe("the state of a group", function()
  it("fires at once without for, and is over when it is not beyond its threshold", function()
    walk(AT_ONCE, {
      { 10, 0, "ok" }, { 20, 1, "firing", "firing 1 from 20 turn 0" }, { 30, 1, "firing" },
      { 40, 0, "ok", "resolved 1 from 20 turn 0" }, { 50, 0, "ok" },
    })
  end)

  it("is pending for as long as for says, and begins anew when it was not beyond", function()
    walk({ hold = 20, keep = 0 }, {
      { 10, 1, "pending" }, { 20, 0, "ok" }, { 30, 1, "pending" }, { 49, 1, "pending" },
      { 50, 1, "firing", "firing 1 from 50 turn 0" },
    })
  end)

  it("fires on for as long as keep_firing_for says", function()
    walk({ hold = 0, keep = 20 }, {
      { 10, 1, "firing", "firing 1 from 10 turn 0" }, { 20, 0, "firing" }, { 30, 1, "firing" },
      { 40, 0, "firing" }, { 59, 0, "firing" }, { 60, 0, "ok", "resolved 1 from 10 turn 0" },
    })
  end)

  it("tells each threshold once in an episode, and again in the next", function()
    walk(AT_ONCE, {
      { 10, 1, "firing", "firing 1 from 10 turn 0" },
      { 20, 2, "firing", "firing 2 from 10 turn 0" },
      { 30, 1, "firing" }, { 40, 2, "firing" }, { 50, 0, "ok", "resolved 2 from 10 turn 0" },
      { 60, 1, "firing", "firing 1 from 60 turn 0" },
    })
  end)

  it("holds each threshold for its own time", function()
    walk({ hold = 20, keep = 0 }, {
      { 10, 1, "pending" }, { 20, 2, "pending" }, { 30, 2, "firing", "firing 1 from 30 turn 0" },
      { 40, 2, "firing", "firing 2 from 30 turn 0" },
    })
  end)

  it("tells again where that is wanted, with a turn of its own", function()
    walk({ hold = 0, keep = 0, again = 30 }, {
      { 10, 1, "firing", "firing 1 from 10 turn 0" }, { 39, 1, "firing" },
      { 40, 1, "firing", "firing 1 from 10 turn 1" },
      { 71, 1, "firing", "firing 1 from 10 turn 2" },
    })
  end)

  it("is no_data where there is no figure, and an episode ends with that", function()
    walk(AT_ONCE, {
      { 10, 0, "no_data", missing = true }, { 20, 1, "firing", "firing 1 from 20 turn 0" },
      { 30, 0, "no_data", "resolved 1 from 20 turn 0", missing = true }, { 40, 0, "ok" },
    })
  end)

  it("goes on when the rule has fewer thresholds than it had", function()
    local state = walk(AT_ONCE, { { 10, 2, "firing", "firing 2 from 10 turn 0" } })
    states.step(state, { level = 1, count = 1 }, 20, AT_ONCE)
    assert.equal("firing", states.name(state))
    assert.same("resolved", states.step(state, { level = 0, count = 1 }, 30, AT_ONCE).status)
    assert.is_true(states.is_idle(state))
  end)
end)
