--- The receivers that config.lua names: notify = { ops = { "webhook", url = ".." } }, where
--- lua/notify/webhook.lua says what it needs and makes a request of a notice.
local config = require "config"
local faults = require "lib.faults"
local http = require "http"

local notifiers = {}

---@class NotifierKind       what a file of lua/notify/ returns
---@field summary string
---@field settings table<string, "url"|"text"|"texts">  url: required; the others may be absent
---@field reminds integer?   seconds: hears again of what still fires
---@field request fun(notice: Notice, settings: table): table  for http.request

---@class Notifier
---@field kind NotifierKind
---@field file string
---@field settings table<string, any>

local loaded = {}

local function is_allowed(url)
  for _, entry in ipairs(config.outside.allow) do
    if http.names(entry, url) then
      return true
    end
  end
  return false
end

local READERS = {
  url = function(value)
    local fine = type(value) == "string" and is_allowed(value)
    return fine and value or nil,
      "a URL, such as \"https://example.com/hook\", whose host stands in outside.allow"
  end,
  text = function(value)
    return type(value) == "string" and value or nil, "a text"
  end,
  texts = function(value)
    local fine = type(value) == "table"
    for key, text in pairs(fine and value or {}) do
      fine = fine and type(key) == "string" and type(text) == "string"
    end
    return fine and value or nil, "texts by name, such as { [\"x-team\"] = \"ops\" }"
  end,
}

local function read_settings(kind, entry, add)
  local readers, fine = {}, true
  for key, type_name in pairs(kind.settings) do
    readers[key] = READERS[type_name]
    if type_name == "url" and entry[key] == nil then
      fine = false
      add(key, "is needed: " .. select(2, READERS.url()))
    end
  end
  local settings = faults.read(entry, readers, add)
  return fine and settings or nil
end

local function load_kind(name)
  if type(name) ~= "string" or not name:find "^[%w_]+$" then
    return nil, 'expected the name of a file of lua/notify/ first: { "webhook", url = ".." }'
  end
  local loads, kind = pcall(require, "notify." .. name)
  if not loads then
    return nil, tostring(kind)
  end
  local fine = type(kind) == "table" and type(kind.request) == "function"
    and type(kind.settings) == "table"
  return fine and kind or nil,
    ("lua/notify/%s.lua must return { summary, settings, request }"):format(name)
end

--- All of them; what is wrong goes to found.
---@param found Faults
function notifiers.load(found)
  for name, entry in pairs(faults.plain(config.notify or {})) do
    local kind, message, file = nil, "expected { \"webhook\", url = \"..\" }", nil
    if type(name) ~= "string" or not name:find "^[%w_.-]+$" then
      message = "expected a name of letters, digits, _ . and -"
    elseif type(entry) == "table" then
      file = ("lua/notify/%s.lua"):format(tostring(entry[1]))
      kind, message = load_kind(table.remove(entry, 1))
    end
    local settings = kind and read_settings(kind, entry, found:at("notify." .. tostring(name)))
    if not kind then
      found:add("notify." .. tostring(name), nil, message)
    end
    loaded[name] = settings and { kind = kind, file = file, settings = settings }
  end
end

---@param name string
---@return Notifier?
function notifiers.find(name)
  return loaded[name]
end

return notifiers
