--- Where records go that a command has read: a server, or the database file where none runs.
local client = require "client"
local content = require "ingest.content"
local database = require "database"
local env = require "env"
local json = require "json"

local destination = {}

--- What is worth a request.
destination.send_bytes = 1024 * 1024

local busy_tries = 60

---@class Destination
---@field name string                    the address, or the path
---@field store { close: fun() }?        of the file
---@field ingest fun(lines: string): table?, string?  counts, or nil and why not

local function server(url, token)
  local connection, why = client.open(url, { token = token })
  local alive
  if connection then
    alive, why = connection:get "/health/live"
  end
  if not alive then
    return nil, why
  end
  local options = { headers = { ["content-type"] = "application/x-ndjson" } }
  local target = { name = url }

  local function post(lines, tries)
    local response, fault = connection:post("/logs/ingest", lines, options)
    if response and (response.status == 503 or response.status == 429) and tries > 1 then
      sleep(1000)
      return post(lines, tries - 1)
    end
    return response, fault
  end

  function target.ingest(lines)
    local response, fault = post(lines, busy_tries)
    if not response then
      return nil, fault
    end
    -- 400: nothing could be taken, which counts tell.
    local answered = response.status == 200 or response.status == 400
    local counts = answered and json.decode(response.body)
    if type(counts) == "table" and counts.rejected then
      return counts
    end
    return nil, ("%s answered %d: %s"):format(url, response.status, response.body:sub(1, 300))
  end
  return target
end

--- The server at url; without one the database file, or, where a server has that, this server.
--- Whoever opens it closes its store, so that a server may have the file.
---@param args Arguments  with url and token
---@return Destination?
---@return string? message
function destination.open(args)
  if args.url then
    return server(args.url, args.token)
  end
  local store, why, reason = database.open()
  if store then
    local function ingest(lines)
      return store:ingest(lines, content)
    end
    return { name = store:path(), ingest = ingest, store = store }
  elseif reason ~= "locked" then
    return nil, why
  end
  local target, silence = server(env.server(), args.token)
  return target,
    silence and silence .. ", and a server has the database elsewhere: name it by --url"
end

-- Pieces of about send_bytes that end with a line: what a server takes at once.
local function slices(text)
  local from = 1
  return function()
    if from > #text then
      return nil
    end
    local to = #text - from >= destination.send_bytes
      and text:find("\n", from + destination.send_bytes, true) or #text
    local slice = text:sub(from, to)
    from = to + 1
    return slice
  end
end

--- Sends lines, and adds to counts what became of them.
---@param to Destination
---@param text string
---@param counts table<string, integer>  accepted, merged, rejected
---@return true?
---@return string? message
function destination.send(to, text, counts)
  for slice in slices(text) do
    local told, why = to.ingest(slice)
    if not told then
      return nil, why
    end
    for name, count in pairs(counts) do
      counts[name] = count + (told[name] or 0)
    end
  end
  return true
end

return destination
