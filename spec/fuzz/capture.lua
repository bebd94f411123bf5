--- Answers of providers as the capture routes read them while they pass, in pieces of any size.
package.preload.http = function()
  return { inflater = function() end }
end
package.preload.server = function()
  return { now = function() return 1750000000 end }
end
package.preload.crypto = function()
  return { uuid7 = function() return "0197" end, sha256 = function() return ("0"):rep(64) end }
end
local posted
package.preload.storage = function()
  return { post = function(records) posted = records end }
end
local pricing = require "lib.pricing"
package.preload["lib.price_table"] = function()
  local prices = pricing.new(require "lib.prices")
  return { current = function() return prices end }
end
local readers = require "capture.reader"
local records = require "capture.record"

local PATHS = { "/v1/messages", "/v1/chat/completions", "/v1/responses",
  "/v1beta/models/gemini-x:generateContent" }
local TYPES = { "application/json", "text/event-stream; charset=utf-8" }

local function record_of(path, kind, body, piece)
  local api = assert(readers.api(path))
  local headers = { ["content-type"] = kind }
  local call = records.begin({ method = "POST", headers = {}, now = 1749999999 }, api, path)
  local reader = readers.new(api, headers)
  call:answered({ status = 200, headers = headers }, reader.is_stream)
  for from = 1, #body, piece do
    reader:feed(body:sub(from, from + piece - 1))
    call:saw(reader)
  end
  call:finish(reader)
  return posted[1]
end

local function same(a, b)
  for name, value in pairs(a) do
    if name ~= "extra" then
      assert(b[name] == value or value ~= value, name)
    end
  end
end

--- choice: which API, a stream or not, bytes of a piece.  The record that comes of it.
return function(body, choice)
  local path, kind = PATHS[choice % 4 + 1], TYPES[choice // 4 % 2 + 1]
  local record = record_of(path, kind, body, 1 << 20)
  local again = record_of(path, kind, body, 1 + choice // 8)
  same(record, again)
  same(again, record)
  return { record }
end
