--- moonledger doctor: configuration, permissions, disk and clock of this machine.
local env = require "env"
local file = require "file"
local sizes = require "lib.sizes"

local place = {}

local GiB = 1024 * 1024 * 1024
local low, too_low = GiB, GiB // 16

-- How far a file may be from the future before the clock is to blame.
local ahead_s = 60

local others_read = 4 -- of a file's mode

--- config.lua as it is in force; nil where it is wrong.
---@param report Report
---@return Config?
function place.configuration(report)
  local found, config = pcall(require, "config")
  local fine, why = pcall(env.server)
  if not (found and fine) then
    report:fault("configuration", tostring(found and why or config),
      "Correct it; moonledger check says when it is right.")
    return nil
  end
  report:fine("configuration", ("%s (%s)"):format(env.config.file, env.config.how))
  return config
end

local function has_secret(config)
  for _, token in ipairs(config.tokens) do
    if token.token then
      return true
    end
  end
  return false
end

local function check_secrets(report, config)
  local stat = file.stat(env.config.file)
  if stat and stat.mode & others_read ~= 0 and has_secret(config) then
    report:fault("permissions", env.config.file .. " has tokens in it that every user can read",
      ("chmod o-r '%s'"):format(env.config.file))
  end
end

-- The path, or the nearest folder above it that is there.
local function existing(path)
  while not file.stat(path) do
    local folder = path:match "^(.+)/[^/]*$"
    if not folder then
      return path:sub(1, 1) == "/" and "/" or "."
    end
    path = folder
  end
  return path
end

--- Whether the server could write there; while one runs, it says so itself.
---@param report Report
---@param config Config
---@param runs boolean  a server
function place.permissions(report, config, runs)
  check_secrets(report, config)
  local path = config.storage.path
  local there = existing(path)
  local folder = there == path and path:match "^(.+)/[^/]*$" or there
  local ok, why = file.writable(there)
  if ok then
    ok, why = file.writable(folder or ".")
  end
  if ok then
    report:fine("permissions", path .. " can be written")
  elseif runs then
    report:note("permissions", why .. " to you; the server that runs is another user's")
  else
    report:fault("permissions", why, ("Run the server as the owner of %s, or give it to you:\n"
      .. "sudo chown -R \"$USER\" '%s'"):format(folder or ".", folder or "."))
  end
end

---@param report Report
---@param config Config
function place.disk(report, config)
  local folder = existing(config.storage.path)
  local free, why = file.free(folder)
  if not free then
    report:note("disk", why)
    return
  end
  local message = ("%s free at %s"):format(sizes.bytes(free), folder)
  local repair = "Make room, or let the oldest go: storage.retention in config.lua, such as\n"
    .. 'retention = { rows = "90d", max_bytes = 20 * 1024 * 1024 * 1024 }'
  if free < too_low then
    report:fault("disk", message, repair)
  elseif free < low then
    report:note("disk", message, repair)
  else
    report:fine("disk", message)
  end
end

--- Whether the clock has gone back: files are from the future.
---@param report Report
---@param config Config
function place.clock(report, config)
  local now = env.now()
  for _, path in ipairs { config.storage.path, env.config.file } do
    local stat = file.stat(path)
    if stat and stat.modified > now + ahead_s then
      report:fault("clock", ("%s was written %s from now"):format(path,
        sizes.seconds(stat.modified - now)), "timedatectl set-ntp true")
      return
    end
  end
  report:fine("clock", "nothing was written in the future")
end

return place
