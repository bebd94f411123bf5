--- Passes a call on to where captures in config.lua leads its path, unchanged, and records it.
local config = require "config"
local http = require "http"
local readers = require "capture.reader"
local records = require "capture.record"

-- Silence that is borne: answers that are not streamed are computed for minutes.
local CONNECT_MS, FIRST_BYTE_MS, IDLE_MS = 10000, 15 * 60000, 5 * 60000

-- The longest first: /openai/eu wins over /openai.
local captures = {}
for prefix, url in pairs(config.captures) do
  captures[#captures + 1] = { prefix = prefix, url = url:gsub("/$", "") }
end
table.sort(captures, function(a, b) return #a.prefix > #b.prefix end)

--- Where a target leads: the URL, and its path there.
local function destination(target)
  for _, capture in ipairs(captures) do
    local rest = target:sub(#capture.prefix + 1)
    local is_whole = rest == "" or rest:find "^[/?]"
    if is_whole and target:sub(1, #capture.prefix) == capture.prefix then
      local url = capture.url .. rest
      return url, (url:match "^https?://[^/?]*(/[^?]*)" or "/")
    end
  end
  return nil
end

-- What is between two neighbours and not passed on (RFC 9110, 7.6.1), and what this side says
-- anew.
local own = {
  connection = true, ["keep-alive"] = true, ["proxy-connection"] = true, te = true, trailer = true,
  ["transfer-encoding"] = true, upgrade = true, host = true, ["content-length"] = true,
  expect = true, ["x-moonledger-token"] = true,
}

-- The names that Connection lists belong to the neighbours too.
local function listed(connection)
  local names = {}
  for name in (connection or ""):gmatch "[^,%s]+" do
    names[name:lower()] = true
  end
  return names
end

local function passed_on(headers, connection)
  local result, drop = {}, listed(connection)
  for name, value in pairs(headers) do
    if not own[name] and not drop[name] then
      result[name] = value
    end
  end
  return result
end

-- Only what the reader can take off; a client that asks for none of it gets the bytes as they are.
local readable = { gzip = true, ["x-gzip"] = true, deflate = true, identity = true }

local function narrowed(accepted)
  local kept = {}
  for entry in accepted:gmatch "[^,]+" do
    if readable[entry:match("^%s*([^;%s]*)"):lower()] then
      kept[#kept + 1] = entry:match "^%s*(.-)%s*$"
    end
  end
  return #kept > 0 and table.concat(kept, ", ") or "identity"
end

local function request_headers(headers)
  local result = passed_on(headers, headers.connection)
  if result["accept-encoding"] then
    result["accept-encoding"] = narrowed(result["accept-encoding"])
  end
  return result
end

-- What is asked for is told by the answer too, but not by one that refuses.
local function note_model(call, piece)
  if not call.record.model then
    call.record.model = piece:match '"model"%s*:%s*"([^"\\]+)"'
  end
end

local function body_of(req, call)
  local length = tonumber(req.headers["content-length"])
  if not length and not req.headers["transfer-encoding"] then
    return nil
  elseif length == 0 then
    return ""
  end
  return function()
    local piece, err = req.body:read()
    if piece then
      note_model(call, piece)
    end
    return piece, err
  end, length
end

-- A variable whose end before `over` is set means that the client has left.
local function watch(call, reader)
  return setmetatable({ over = false }, {
    __close = function(self)
      if not self.over then
        call:fail(499, "cancelled", "the client left before the end")
        call:finish(reader)
      end
    end,
  })
end

-- Each piece goes to the client first.  What ends early is recorded as far as it came.
local function passer(response, call, reader)
  return function(write)
    local watched <close> = watch(call, reader)
    local piece, err, reason = response:read()
    while piece do
      write(piece)
      if reader then
        reader:feed(piece)
        call:saw(reader)
      end
      piece, err, reason = response:read()
    end
    watched.over = true
    if err then
      call:fail(502, "upstream_" .. reason, err)
    end
    call:finish(reader)
    return not err
  end
end

local function refuse(call, message, reason)
  local status = reason == "timeout" and 504 or 502
  call:fail(status, "upstream_" .. reason, message)
  call:finish()
  return { status = status, detail = "The other side did not answer: " .. message }
end

return {
  summary = "Passes a call on and records it.",
  scope = "ingest",
  raw = true,

  ---@param req Request
  ---@return Response
  handle = function(req)
    local url, path = destination(req.target)
    if not url then
      return { status = 404, detail = "No capture of config.lua has this path as it is written" }
    end
    local api = readers.api(path)
    local call = records.begin(req, api, path)
    local watched <close> = watch(call)
    local body, length = body_of(req, call)
    local response, err, reason = http.request {
      method = req.method, url = url, headers = request_headers(req.headers), body = body,
      length = length, stream = true, raw = true, connect_ms = CONNECT_MS,
      first_byte_ms = FIRST_BYTE_MS, idle_ms = IDLE_MS,
    }
    watched.over = true
    if not response then
      return refuse(call, err, reason)
    end
    local reader = api and readers.new(api, response.headers)
    call:answered(response, reader ~= nil and reader.is_stream)
    return {
      status = response.status,
      headers = passed_on(response.header_list, response.headers.connection),
      length = tonumber(response.headers["content-length"]),
      stream = passer(response, call, reader),
    }
  end,
}
