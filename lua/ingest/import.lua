--- `moonledger import` and `collect`: pieces of files in, lines of records out; what it makes
--- goes through the same door as POST /logs/ingest.
local access_log = require "ingest.access_log"
local ccproxy = require "ingest.ccproxy"
local claude_transcript = require "ingest.claude_transcript"
local codex_rollout = require "ingest.codex_rollout"
local detect = require "ingest.detect"
local gemini_chat = require "ingest.gemini_chat"
local json = require "json"
local lines = require "ingest.lines"
local litellm = require "ingest.litellm"
local native = require "ingest.native"
local qwen_chat = require "ingest.qwen_chat"
local prices = require("lib.price_table").current()

local import = {}

local decoders = {
  ndjson = native.decode,
  litellm = function(text) return litellm.decode(text, prices) end,
  ccproxy = function(text) return ccproxy.decode(text, prices) end,
  access_log = access_log.decode,
}

-- What a line of these means depends on those before it.
local sessions = { codex = codex_rollout, gemini = gemini_chat, qwen = qwen_chat }

import.formats = {
  "auto", "access_log", "ccproxy", "claude", "codex", "gemini", "litellm", "ndjson", "qwen",
}

---@class Importer
---@field private transcripts Transcripts
---@field private file Reading?        the one that was opened last
---@field private nfiles integer       since it began or was finished
---@field private nrejected integer
---@field private nunknown integer     files
---@field private complaints string[]  the first few
local Importer = {}
Importer.__index = Importer

local max_complaints = 10

function Importer:note(name, batch)
  self.nrejected = self.nrejected + batch.rejected
  for _, message in ipairs(batch.errors) do
    if #self.complaints < max_complaints then
      table.insert(self.complaints, name .. ": " .. message)
    end
  end
end

local function encode(batch)
  local out = {}
  for i, record in ipairs(batch:complete()) do
    out[i] = json.encode(record)
  end
  out[#out + 1] = ""
  return table.concat(out, "\n")
end

---@class Reading
---@field name string
---@field format string?    "unknown" where it tells of no request
---@field session Rollout|Chat|QwenChat|nil
---@field parts string[]? of a file that is one JSON value: it is decoded at its end

-- One value over several lines.
local function is_one_value(text)
  local start, rest = text:match "^\xEF?\xBB?\xBF?%s*(.)([^\n]*)"
  return start == "[" or start == "{" and not rest:find "%S"
end

-- The first line that is an object of a known format tells; a file that starts otherwise is one
-- value too.
local function recognise(text)
  if is_one_value(text) then
    return nil
  end
  local from, found = 1, nil
  for _ = 1, 20 do
    local to = text:find("\n", from, true)
    local value = lines.decoded(text:sub(from, (to or 0) - 1))
    if value then
      found = detect.format(value) or "unknown"
    end
    from = to and to + 1
    if found and found ~= "unknown" or not from then
      break
    end
  end
  return found
end

function Importer:read_session(format, text)
  local file = self.file
  file.session = file.session or sessions[format].new(file.name, prices)
  file.session:add(text)
  local batch = file.session:finish()
  self:note(file.name, batch)
  return encode(batch)
end

function Importer:read(format, text)
  local file = self.file
  if format == "unknown" then
    return ""
  elseif format == "claude" then
    self.transcripts:add(text)
    return ""
  elseif sessions[format] then
    return self:read_session(format, text)
  elseif format == "ndjson" and not file.parts then
    local out, batch = native.lines(text)
    self:note(file.name, batch)
    return out
  end
  local batch = decoders[format](text)
  self:note(file.name, batch)
  return encode(batch)
end

--- Begins a file.
---@param name string
---@param format string  of import.formats
function Importer:open(name, format)
  self.file = { name = name, format = format ~= "auto" and format or nil }
  self.nfiles = self.nfiles + 1
end

--- Takes a piece that ends with a line, and answers records as lines.
---@param text string
---@return string
function Importer:feed(text)
  local file = self.file
  if not file.parts and (not file.format or file.format == "unknown") then
    file.format = recognise(text:sub(1, 262144)) or file.format
  end
  if not file.format or file.parts or not file.session and is_one_value(text) then
    file.parts = file.parts or {}
    table.insert(file.parts, text)
    return ""
  end
  return self:read(file.format, text)
end

--- Ends the file.
---@return string
function Importer:close()
  local file, rest = self.file, ""
  if file.parts then
    local text = table.concat(file.parts)
    if not file.format then
      local value = lines.decoded(text)
      file.format = not value and "ndjson" or detect.format(value) or "unknown"
    end
    rest = self:read(file.format, text)
  end
  self.nunknown = self.nunknown + (file.format == "unknown" and 1 or 0)
  return rest
end

--- The records of the transcripts so far, of which the files that follow know nothing.
---@return string lines
function Importer:finish()
  local batch = self.transcripts:finish()
  self.transcripts = claude_transcript.new(prices)
  self:note(self.nfiles == 1 and self.file.name or "transcripts", batch)
  self.nfiles = 0
  return encode(batch)
end

--- How many files tell of no request: settings, notes and what else stands beside sessions.
---@return integer
function Importer:unknown()
  return self.nunknown
end

--- How many records could not be taken, and why: the first few complaints.
---@return integer, string[]
function Importer:rejected()
  return self.nrejected, self.complaints
end

--- Whether there is such a format; nil and why not.
---@param format string
---@return true?
---@return string? message
function import.knows(format)
  for _, known in ipairs(import.formats) do
    if format == known then
      return true
    end
  end
  return nil, "unknown format " .. format .. ": expected " .. table.concat(import.formats, ", ")
end

---@return Importer
function import.new()
  return setmetatable({
    transcripts = claude_transcript.new(prices), nfiles = 0, nrejected = 0, nunknown = 0,
    complaints = {},
  }, Importer)
end

return import
