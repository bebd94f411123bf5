--- A bar with rate and remaining time, for commands; drawn where standard error is a terminal.
local env = require "env"
local term = require "term"

local width = 30

---@class Bar
---@field total number  of what the work is measured in
local Bar = {}
Bar.__index = Bar

local function text(part, rate, left)
  local filled = part * width // 1
  local line = ("[%s%s] %3d%%  %.0f records/s"):format(("#"):rep(filled), (" "):rep(width - filled),
    part * 100 // 1, rate)
  return left and ("%s  %d:%02d left"):format(line, left // 60, left % 60) or line
end

--- How far it is, and how many records that were.
---@param done number
---@param records integer
function Bar:update(done, records)
  local seconds = env.seconds() - self.started
  local part = self.total > 0 and math.min(done / self.total, 1) or 0
  local left = part > 0.01 and (seconds / part * (1 - part) + 0.5) // 1 or nil
  term.progress(text(part, seconds > 0 and records / seconds or 0, left))
end

--- Wipes the bar.
---@return number seconds since the start
function Bar:finish()
  term.progress()
  return env.seconds() - self.started
end

local progress = {}

---@param total number
---@return Bar
function progress.start(total)
  return setmetatable({ total = total, started = env.seconds() }, Bar)
end

return progress
