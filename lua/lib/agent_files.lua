--- The files in which coding agents keep their sessions, and which of them have been collected.
local env = require "env"
local file = require "file"
local json = require "json"

local agent_files = {}

local max_depth = 8

---@class AgentFile
---@field path string
---@field bytes integer
---@field modified number
---@field agent string

local function set(name)
  local value = env.get(name)
  return value ~= "" and value or nil
end

local function home()
  return set "HOME" or "."
end

-- By agent: its folders, and which paths below them are sessions; Codex packs old ones by zstd.
local agents = {
  { name = "claude", fits = "%.jsonl$", folders = function()
    local own = set "CLAUDE_CONFIG_DIR"
    return own and { own .. "/projects" }
      or { home() .. "/.claude/projects", home() .. "/.config/claude/projects" }
  end },
  { name = "codex", fits = "/rollout%-[^/]*%.jsonl$", folders = function()
    local folder = set "CODEX_HOME" or home() .. "/.codex"
    return { folder .. "/sessions", folder .. "/archived_sessions" }
  end },
  { name = "gemini", fits = "/chats/.*%.jsonl?$", folders = function()
    return { (set "GEMINI_CLI_HOME" or home()) .. "/.gemini/tmp" }
  end },
  { name = "qwen", fits = "/chats/[^/]*%.jsonl$", folders = function()
    return { home() .. "/.qwen/projects" }
  end },
}

--- Whether sessions of that agent can be found.
---@param name string
---@return boolean
function agent_files.knows(name)
  for _, agent in ipairs(agents) do
    if agent.name == name then
      return true
    end
  end
  return false
end

local function add(found, agent, folder, depth)
  for _, entry in ipairs(file.list(folder) or {}) do
    local path = folder .. "/" .. entry.name
    if entry.kind == "folder" and depth < max_depth then
      add(found, agent, path, depth + 1)
    elseif entry.kind == "file" and path:gsub("%.zst$", ""):find(agent.fits) then
      found[#found + 1] = { path = path, bytes = entry.bytes, modified = entry.modified,
        agent = agent.name }
    end
  end
end

--- Those that are there, the oldest first.
---@param only string?   the name of an agent
---@return AgentFile[]
function agent_files.find(only)
  local found = {}
  for _, agent in ipairs(agents) do
    if not only or only == agent.name then
      for _, folder in ipairs(agent.folders()) do
        add(found, agent, folder, 1)
      end
    end
  end
  table.sort(found, function(a, b)
    if a.modified ~= b.modified then
      return a.modified < b.modified
    end
    return a.path < b.path
  end)
  return found
end

--- What changes with a file.
---@param entry AgentFile
---@return string
function agent_files.mark(entry)
  return ("%d:%.3f"):format(entry.bytes, entry.modified)
end

---@class Collected
---@field path string
---@field all table<string, table<string, string>>  marks by destination and file
local Collected = {}
Collected.__index = Collected

local function state_folder()
  local folder = set "XDG_STATE_HOME"
  if not folder then
    folder = home() .. "/.local"
    file.make_folder(folder)
    folder = folder .. "/state"
  end
  file.make_folder(folder)
  return folder .. "/moonledger"
end

--- What earlier runs of this user have noted; nil and why when nothing can be noted.
---@return Collected?
---@return string? message
function agent_files.collected()
  local folder = state_folder()
  local ok, why = file.make_folder(folder)
  if not ok then
    return nil, why
  end
  local path = folder .. "/collected.json"
  local reader <close> = file.open(path)
  local text = reader and reader:read() or "{}"
  local all = json.decode(text)
  return setmetatable({ path = path, all = type(all) == "table" and all or {} }, Collected)
end

--- Whether the destination has the file as it is.
---@param destination string
---@param entry AgentFile
---@return boolean
function Collected:has(destination, entry)
  return (self.all[destination] or {})[entry.path] == agent_files.mark(entry)
end

--- Notes that the destination has files as they were when they were listed.
---@param destination string
---@param entries AgentFile[]
---@return true?
---@return string? message
function Collected:note(destination, entries)
  local known = self.all[destination] or {}
  self.all[destination] = known
  for _, entry in ipairs(entries) do
    known[entry.path] = agent_files.mark(entry)
  end
  return file.write(self.path, json.encode(self.all))
end

return agent_files
