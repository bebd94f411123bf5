--- One child process with its output in files.
local socket = require "socket"
local helpers = require "spec.helpers"

---@class Process
---@field pid integer
---@field folder string  holds stdout and stderr; whoever made it removes it
local Process = {}
Process.__index = Process

-- Sockets that specs have open must not leak into the child, or their peers would
-- never see an end of file.
local LAUNCH = [[exec bash -c 'echo $$
for fd in /proc/$$/fd/*; do fd=${fd##*/}; [ $fd -le 2 ] || eval "exec $fd>&-"; done
exec env "$@" >"$0/stdout" 2>"$0/stderr" </dev/null' ]]

--- Starts a command; NAME=VALUE words before it are its environment.
---@param words string[]
---@param folder string
---@return Process
function Process.start(words, folder)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = helpers.quote(word)
  end
  local pipe = assert(io.popen(LAUNCH .. helpers.quote(folder) .. " " .. table.concat(quoted, " ")))
  local p = { pipe = pipe, pid = assert(tonumber(pipe:read "l")), folder = folder }
  -- after popen: so ours is finalised first, and the pipe need not wait for it
  return setmetatable(p, Process)
end

--- Words for Process.start out of a table of environment variables.
---@param env? table<string, string>
---@return string[]
function Process.environment(env)
  local words = {}
  for name, value in pairs(env or {}) do
    words[#words + 1] = name .. "=" .. value
  end
  return words
end

function Process:stdout()
  return helpers.read_file(self.folder .. "/stdout") or ""
end

function Process:stderr()
  return helpers.read_file(self.folder .. "/stderr") or ""
end

--- Whether it has ended, though nobody may have asked for its exit code yet.
function Process:has_ended()
  local stat = helpers.read_file("/proc/" .. self.pid .. "/stat")
  return not stat or stat:match "%) (%u)" == "Z"
end

---@param name string  such as "TERM"
function Process:signal(name)
  if self:has_ended() then
    return
  end
  os.execute(("kill -%s %d"):format(name, self.pid))
end

--- Waits for its end and answers the exit code, or 128 + signal; nil when it was
--- killed because the time was over.
---@param seconds number
function Process:wait(seconds)
  local deadline = socket.gettime() + seconds
  while not self:has_ended() do
    if socket.gettime() > deadline then
      self:kill()
      return nil
    end
    socket.sleep(0.001)
  end
  return self:reap()
end

--- As wait, however long it takes.
function Process:reap()
  if self.pipe then
    local _, how, code = self.pipe:close()
    self.pipe = nil
    self.code = how == "signal" and 128 + code or code
  end
  return self.code
end

function Process:kill()
  if self.pipe then
    self:signal "KILL"
    self:reap()
  end
end

Process.__gc = Process.kill

return Process
