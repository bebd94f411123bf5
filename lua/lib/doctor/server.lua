--- moonledger doctor: the server that answers, or why none does; its version, file, scripts,
--- tokens, clock and senders.
local cell = require "lib.cell"
local client = require "client"
local database = require "database"
local dates = require "lib.dates"
local env = require "env"
local json = require "json"
local sizes = require "lib.sizes"

local skew_s, silent_s = 5, 24 * 3600

-- How far a row may be from the future: senders' clocks differ.
local ahead_s = 600

---@class Asked
---@field url string
---@field connection Client   without a token
---@field guarded boolean     it wants tokens
---@field token string?

local server = {}

local function decode(response)
  local value = json.decode(response.body)
  return type(value) == "table" and value or {}
end

local function start_line(config)
  return config.listen.port < 1024 and "sudo moonledger serve" or "moonledger serve"
end

local function check_health(report, url, response)
  local said = decode(response)
  if response.status ~= 200 or said.status == "warn" then
    report:fault("server", ("%s: %s"):format(url, said.output or response.status),
      "Repair what it says; moonledger verify tells whether the file is whole.")
  elseif said.version ~= env.version then
    report:fault("version", ("%s runs %s, this is %s"):format(url, said.version, env.version),
      "Restart the server: systemctl restart moonledger, or end it and run moonledger serve.")
  else
    report:fine("server", ("%s answers, version %s"):format(url, said.version))
  end
end

--- Who listens at url; nil where no server of ours does.
---@param report Report
---@param config Config
---@param url string
---@return Asked?
function server.find(report, config, url)
  local connection, why = client.open(url, { timeout = 10 })
  local response
  if connection then
    response, why = connection:get "/health"
  end
  if not response then
    local name_it = "moonledger doctor --url http://HOST:PORT"
    report:fault("port", why, database.is_held()
      and ("Nobody serves there, and a server has %s elsewhere: listen.port in config.lua\n"
        .. "is not its port.  Name it: %s"):format(config.storage.path, name_it)
      or ("Nobody serves there.  Start it: %s\nor name the one that runs: %s"):format(
        start_line(config), name_it))
    return nil
  elseif not (response.headers["content-type"] or ""):find("health+json", 1, true) then
    report:fault("port", url .. " is another program's, not Moonledger's",
      "End it, or choose another port: listen.port in config.lua.  Who it is: ss -ltnp")
    return nil
  end
  check_health(report, url, response)
  server.clock(report, response.headers.date)
  local guarded = connection:get "/logs/status"
  return { url = url, connection = connection,
    guarded = guarded ~= nil and guarded.status == 401 }
end

local months = "JanFebMarAprMayJunJulAugSepOctNovDec"

-- Seconds of a Date header (RFC 9110, 5.6.7).
local function seconds(date)
  local day, month, year, time =
    (date or ""):match "^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d:%d%d:%d%d) GMT$"
  local at = month and months:find(month, 1, true)
  return at and dates.seconds(("%s-%02d-%sT%sZ"):format(year, at // 3 + 1, day, time))
end

---@param report Report
---@param date string?  that the server has told just now
function server.clock(report, date)
  local told, now = seconds(date), env.now()
  if not told then
    return
  elseif math.abs(told - now) > skew_s then
    report:fault("clock", ("the server's is %s %s of this machine's"):format(
      sizes.seconds(math.abs(told - now)), told > now and "ahead" or "behind"),
      "timedatectl set-ntp true")
  else
    report:fine("clock", "the server's and this machine's agree")
  end
end

--- Whether the server knows a token, whatever it may do with it.
---@param asked Asked
---@param token string
---@return boolean
function server.knows(asked, token)
  local connection = client.open(asked.url, { token = token, timeout = 10 })
  local response = connection and connection:get "/logs/status"
  return response ~= nil and response.status ~= 401
end

local function is_loopback(host)
  return host == "localhost" or host == "::1" or host:find "^127%." ~= nil
end

---@param report Report
---@param config Config
---@param asked Asked
function server.tokens(report, config, asked)
  if not asked.guarded then
    local host = config.listen.host
    if not is_loopback(host) then
      report:note("tokens", host .. ": who reaches it may read, write and reset without a token",
        "Set MOONLEDGER_READ_TOKEN, MOONLEDGER_INGEST_TOKEN and MOONLEDGER_ADMIN_TOKEN where the "
        .. "server starts,\nand take listen.without_tokens out of config.lua.")
    else
      report:fine("tokens", "none are wanted")
    end
  elseif not asked.token then
    report:note("tokens", "the server wants one; without it senders and scripts are not looked at",
      "export MOONLEDGER_READ_TOKEN=...   # as where the server starts")
  elseif not server.knows(asked, asked.token) then
    report:fault("tokens", "the server does not know this token",
      "export MOONLEDGER_READ_TOKEN=...   # as where the server starts")
  else
    report:fine("tokens", "the server knows this one")
  end
end

local function get(asked, path)
  local connection = client.open(asked.url, { token = asked.token, timeout = 30 })
  local response = connection and connection:get(path)
  return response and response.status == 200 and decode(response) or nil
end

local function check_scripts(report, errors)
  if errors and errors ~= json.null and #errors > 0 then
    report:fault("scripts", "the server goes on with the old ones: " .. tostring(errors[1]),
      "Correct it; moonledger check says when it is right.")
  end
end

-- The file of the configuration; without its name where it cannot be read.
local function own_file(config)
  local fine, storage = pcall(require, "storage")
  return fine and storage.file() or { path = config.storage.path }
end

local function check_database(report, config, url, served)
  local own = own_file(config)
  if own.name == served.name or not own.name and own.path == served.path then
    return
  end
  report:note("database", ("%s serves another one: %s (%s), here it is %s (%s)"):format(url,
    served.path, served.name, own.path, own.name or "not there, or not for you to read"),
    "What is said of scripts, rows and senders is of that one: moonledger --config FILE doctor\n"
    .. "with its config.lua looks at all of it.  To serve this one beside it: listen.port in\n"
    .. "config.lua takes a free port; then moonledger serve")
end

--- Its scripts, and whether its file is the one of the configuration.
---@param report Report
---@param config Config
---@param asked Asked
function server.state(report, config, asked)
  local state = get(asked, "/logs/system")
  if not state then
    return
  end
  check_scripts(report, state.reload_errors)
  if state.database then
    check_database(report, config, asked.url, state.database)
  end
end

--- Rows of the future: no window that ends now has them.
---@param report Report
---@param asked Asked
function server.rows(report, asked)
  local from = math.ceil(env.now()) + ahead_s
  local answer = get(asked, "/logs/entries?order_desc=true&limit=1&start_time=" .. from)
  if answer and answer.total_count > 0 then
    report:note("rows", ("%d are of the future, up to %s: no window that ends now has them"):format(
      answer.total_count, answer.entries[1].timestamp), ("The clock of who sent them is wrong, or "
      .. "the unit of their times; who it is:\nmoonledger query start_time=%d"):format(from))
  end
end

local function name_of(sender)
  local name = sender.service_type ~= "" and cell(sender.service_type) or "(no service type)"
  return sender.version ~= "" and name .. ", " .. cell(sender.version) or name
end

local function check_sender(report, sender, now)
  local quiet, newest = now - sender.last_seen, sender.newest_error
  if newest and newest ~= json.null and now - newest.timestamp < silent_s then
    report:fault("sender", ("%s: %d were not taken: %s"):format(name_of(sender), sender.rejected,
      newest.message), "lua/ingest/README.md tells what each sender must be told.")
  elseif quiet > silent_s then
    report:note("sender", ("%s: silent for %s"):format(name_of(sender), sizes.seconds(quiet)),
      "If it still runs: is its endpoint this server, and its token right?")
  else
    report:fine("sender", ("%s: %d records, %d events, heard %s ago"):format(name_of(sender),
      sender.records, sender.events, sizes.seconds(math.max(quiet, 0))))
  end
end

---@param report Report
---@param asked Asked
function server.senders(report, asked)
  local answer = get(asked, "/logs/senders")
  if not answer then
    return
  end
  for _, sender in ipairs(answer.senders) do
    check_sender(report, sender, answer.timestamp)
  end
  if #answer.senders == 0 then
    local rows = get(asked, "/logs/entries?limit=1")
    report:note("sender", rows and rows.total_count > 0
        and ("nobody has been heard since the start; of before there are %d rows"):format(
          rows.total_count)
        or "nobody has sent anything yet",
      "Point a program here (below, and lua/ingest/README.md), or try: moonledger demo")
  end
end

return server
