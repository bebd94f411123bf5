--- `moonledger import`: pieces of files in, lines of records out, for
--- lua/commands/import.lua; what it makes goes through the same door as POST
--- /logs/ingest.
local access_log = require "ingest.access_log"
local ccproxy = require "ingest.ccproxy"
local claude_transcript = require "ingest.claude_transcript"
local codex_rollout = require "ingest.codex_rollout"
local detect = require "ingest.detect"
local gemini_chat = require "ingest.gemini_chat"
local json = require "json"
local litellm = require "ingest.litellm"
local native = require "ingest.native"
local prices = require("lib.price_table").current()

local import = {}

local decoders = {
  ndjson = native.decode,
  litellm = function(text) return litellm.decode(text, prices) end,
  ccproxy = function(text) return ccproxy.decode(text, prices) end,
  access_log = access_log.decode,
}

-- What a line of these means depends on those before it.
local sessions = { codex = codex_rollout, gemini = gemini_chat }

import.formats = {
  "auto", "access_log", "ccproxy", "claude", "codex", "gemini", "litellm", "ndjson",
}

local rejected, errors = 0, {}
local max_errors = 10

local function note(name, batch)
  rejected = rejected + batch.rejected
  for _, message in ipairs(batch.errors) do
    if #errors < max_errors then
      errors[#errors + 1] = name .. ": " .. message
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

local wanted = "auto"
local transcripts = claude_transcript.new(prices)

---@class Reading
---@field name string
---@field format string?
---@field session Rollout|Chat|nil
---@field parts string[]? of a file that is one JSON value: it is decoded at its end
local current, nfiles = nil, 0

local function try(text)
  local value = json.decode(text)
  return type(value) == "table" and value or nil
end

-- One value over several lines.
local function is_one_value(text)
  local start, rest = text:match "^\xEF?\xBB?\xBF?%s*(.)([^\n]*)"
  return start == "[" or start == "{" and not rest:find "%S"
end

-- The first line that is an object tells; a file that starts otherwise is one value too.
local function recognise(text)
  if is_one_value(text) then
    return nil
  end
  local from = 1
  for _ = 1, 20 do
    local to = text:find("\n", from, true)
    local value = try(text:sub(from, (to or 0) - 1))
    if value then
      return detect.format(value)
    end
    from = to and to + 1
    if not from then
      break
    end
  end
  return nil
end

local function read_session(format, text)
  current.session = current.session or sessions[format].new(current.name, prices)
  current.session:add(text)
  local batch = current.session:finish()
  note(current.name, batch)
  return encode(batch)
end

local function read(name, format, text)
  if format == "claude" then
    transcripts:add(text)
    return ""
  elseif sessions[format] then
    return read_session(format, text)
  elseif format == "ndjson" and not current.parts then
    local out, batch = native.lines(text)
    note(name, batch)
    return out
  end
  local batch = decoders[format](text)
  note(name, batch)
  return encode(batch)
end

--- Begins with a format of import.formats; nil and why not.
---@param format string
---@return true?
---@return string? message
function import.start(format)
  local known = format == "auto" or format == "claude" or sessions[format] or decoders[format]
  if not known then
    return nil, "unknown format " .. format .. ": expected " .. table.concat(import.formats, ", ")
  end
  wanted = format
  return true
end

--- Begins a file.
function import.open(name)
  current, nfiles = { name = name, format = wanted ~= "auto" and wanted or nil }, nfiles + 1
end

--- Takes a piece that ends with a line, and answers records as lines.
---@param text string
---@return string
function import.feed(text)
  if not current.parts and not current.format then
    current.format = recognise(text:sub(1, 262144))
  end
  if not current.format or current.parts or not current.session and is_one_value(text) then
    current.parts = current.parts or {}
    table.insert(current.parts, text)
    return ""
  end
  return read(current.name, current.format, text)
end

--- Ends the file.
---@return string
function import.close()
  if not current.parts then
    return ""
  end
  local text = table.concat(current.parts)
  local format = current.format
  if not format then
    local value = try(text)
    format = value and detect.format(value) or "ndjson"
  end
  return read(current.name, format, text)
end

--- Ends the run; another may begin.
---@return string lines of the transcripts' records
function import.finish()
  local batch = transcripts:finish()
  transcripts = claude_transcript.new(prices)
  note(nfiles == 1 and current.name or "transcripts", batch)
  nfiles = 0
  return encode(batch)
end

--- What was rejected here.
---@return integer, string complaints the first few, a line each
function import.rejected()
  return rejected, table.concat(errors, "\n") .. (#errors > 0 and "\n" or "")
end

return import
