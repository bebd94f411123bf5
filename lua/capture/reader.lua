--- Reads the usage out of an answer while it passes.  Nothing of it is kept: of JSON what is
--- needed to read it, of a stream the event in hand.
local http = require "http"
local lines = require "ingest.lines"
local told_of = require "capture.told"

local apis = {
  require "capture.anthropic",
  require "capture.openai_chat",
  require "capture.openai_responses",
  require "capture.gemini",
}

-- A body or an event that is longer is not read: its usage stays unknown.
local MAX_BYTES = 4 * 1024 * 1024

local readers = {}

--- The API that a path belongs to.
---@param path string  without query
---@return table?
function readers.api(path)
  for _, api in ipairs(apis) do
    if api.serves(path) then
      return api
    end
  end
  return nil
end

---@class CaptureReader
---@field told CaptureTold
---@field saw_output boolean
local Reader = {}
Reader.__index = Reader

-- Pieces get shorter from the first to the last, so that none is copied more than a few times,
-- however small they come.
function Reader:keep(bytes)
  local pieces = self.pieces
  pieces[#pieces + 1] = bytes
  self.size = self.size + #bytes
  while #pieces > 1 and #pieces[#pieces - 1] <= #pieces[#pieces] do
    local last = table.remove(pieces)
    pieces[#pieces] = pieces[#pieces] .. last
  end
end

function Reader:take_text()
  local text = table.concat(self.pieces)
  self.pieces, self.size = {}, 0
  return text
end

function Reader:take_event(text)
  local api, told = self.api, self.told
  self.saw_output = self.saw_output or api.is_output(text)
  if api.wants(text, told) then
    local event = lines.decoded(text)
    if event then
      api.event(told, event)
    end
  end
end

-- An event is the lines that begin with data: up to an empty one; these APIs send one each.
function Reader:take_lines()
  local text, from = self:take_text(), 1
  while true do
    local newline = text:find("\n", from, true)
    if not newline then
      break
    end
    local data = text:match("^data: ?([^\r\n]*)", from)
    if data then
      self:take_event(data)
    end
    from = newline + 1
  end
  self:keep(text:sub(from))
end

--- The next bytes of the answer.
---@param bytes string
function Reader:feed(bytes)
  if self.blind then
    return
  end
  if self.inflater then
    bytes = self.inflater:take(bytes)
  end
  if not bytes or self.size + #bytes > MAX_BYTES then
    self.blind, self.pieces = true, {}
    return
  end
  self:keep(bytes)
  if self.is_stream and bytes:find("\n", 1, true) then
    self:take_lines()
  end
end

--- No more comes.
function Reader:finish()
  local body = not self.is_stream and not self.blind and lines.decoded(self:take_text())
  if body then
    self.api.whole(self.told, body)
  end
end

--- A reader of an answer with these headers.
---@param api table  readers.api
---@param headers table<string, string>
---@return CaptureReader
function readers.new(api, headers)
  local coding, kind = headers["content-encoding"], headers["content-type"] or ""
  local inflater = coding and coding ~= "identity" and http.inflater(coding) or nil
  return setmetatable({
    api = api, told = told_of.new(), pieces = {}, size = 0, saw_output = false,
    inflater = inflater, blind = coding ~= nil and coding ~= "identity" and inflater == nil,
    is_stream = kind:find("event-stream", 1, true) ~= nil,
  }, Reader)
end

return readers
