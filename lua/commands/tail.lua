--- moonledger tail: requests as they come.
local env = require "env"
local json = require "json"
local ledger = require "lib.ledger"
local request_line = require "lib.request_line"
local term = require "term"

local PATH = "/logs/stream"
local AGAIN_MS = 1000

local fields = "timestamp,status_code,model,endpoint,duration_ms,cost_usd,tokens_input,"
  .. "tokens_output,cache_read_tokens,service_type,user,error_type"

local function show_row(row)
  for name, value in pairs(row) do
    row[name] = value ~= json.null and value or nil
  end
  print(request_line.of(row))
end

-- The newest rows, oldest first.
local function show_last(store, query, count)
  local asked = { limit = count, fields = fields }
  for name, value in pairs(query) do
    asked[name] = value
  end
  local answer, why, code = store:get("/logs/query", asked)
  if not answer then
    return nil, why, code
  end
  for i = #answer.results, 1, -1 do
    show_row(answer.results[i])
  end
  return true
end

local function show_event(text, as_json)
  if as_json then
    print(text)
    return
  end
  local event = json.decode(text)
  if type(event) ~= "table" then
    return
  end
  local data = event.data
  if type(data) == "table" and event.type ~= "request_start" then
    data.timestamp = data.timestamp or event.timestamp
    data.status_code = data.status_code or event.type == "request_error" and 500 or nil
    show_row(data)
  elseif event.type == "overflow" then
    term.error(event.dropped > 0
      and ("%.0f events were too many and are not shown"):format(event.dropped)
      or "the server has another database than before: what came in between is not shown")
  end
end

-- Takes whole lines off text; what is left, and the id of the last event.
local function take_lines(text, last_id, as_json)
  local at = 1
  for line, next_at in text:gmatch "([^\n]*)\n()" do
    at = next_at
    last_id = line:match "^id: (.*)$" or last_id
    local data = line:match "^data: (.*)$"
    if data then
      show_event(data, as_json)
    end
  end
  return text:sub(at), last_id
end

-- One connection's worth; the id to go on from; nil, why and an exit code.
local function follow(connection, target, last_id, as_json)
  local response, why = connection:get(target, { stream = true,
    headers = last_id and { ["last-event-id"] = last_id } })
  if not response then
    return last_id, why
  elseif response.status ~= 200 then
    local body = connection:read() or ""
    return nil, ("%s (%d)"):format(body:match '"detail":"([^"]*)"' or body, response.status),
      response.status == 422 and 2 or nil
  end
  local text, piece = "", nil
  repeat
    text, last_id = take_lines(text .. (piece or ""), last_id, as_json)
    term.flush()
    piece, why = connection:read()
  until not piece
  return last_id, why
end

local function follow_for_ever(store, target, as_json)
  local last_id, why, code
  while true do
    local before = last_id
    last_id, why, code = follow(store.connection, target, before, as_json)
    if why and not last_id then
      return code, store.name .. ": " .. why
    end
    sleep(AGAIN_MS) -- the server stops, or has just started anew
  end
end

local options = {
  { "last", "N", "so many rows that are there already", default = "10" },
  { "json", false, "the events as they are, a line of JSON each" },
}

return {
  summary = "Requests as they come, filtered.",
  description = [[
Requests as they come: those that match model=gpt-4o, status_code=400-599, service_type=!test and
the other filters of GET /logs/stream.]],
  arguments = "[NAME=VALUE...]",
  options = table.move(ledger.options, 1, #ledger.options, #options + 1, options),
  examples = {
    { "moonledger tail status_code=400-599", "failures as they come" },
    { "moonledger tail --json model=gpt-4o > calls.ndjson",
      "events for another program, until it is interrupted" },
  },

  ---@param args Arguments
  run = function(args)
    local store, why = ledger.open(args)
    if not store then
      return nil, why
    end
    local query, fault, code = store:filters(store.connection and PATH or "/logs/query", args)
    local last = math.tointeger(tonumber(args.last))
    if not query then
      return code, fault
    elseif not last then
      return 2, "tail: --last: expected a number"
    elseif last > 0 and not args.json then
      local ok, wrong, exit_code = show_last(store, query, last)
      if not ok then
        return exit_code, wrong
      end
    end
    term.flush()
    if not store.connection then
      return nil, ("no server runs at %s to be followed: these were the newest of %s"):format(
        env.server(), store.name)
    end
    -- silence is no fault of a stream
    store.connection = require("client").open(store.name, { token = args.token, timeout = 0 })
    local text = ledger.query(query)
    return follow_for_ever(store, PATH .. (text ~= "" and "?" .. text or ""), args.json)
  end,
}
