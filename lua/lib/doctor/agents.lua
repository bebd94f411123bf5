--- moonledger doctor: what the coding agents of whoever runs it have been told: Claude Code
--- (code.claude.com/docs, "Monitoring"), Codex CLI (its config.toml, [otel]), Gemini CLI
--- (docs/cli/telemetry.md).
local env = require "env"
local file = require "file"
local json = require "json"
local server = require "lib.doctor.server"

local agents = {}

local function read(path)
  local reader <close> = file.open(path)
  local text, piece = "", reader and reader:read()
  while piece do
    text = text .. piece
    piece = reader:read()
  end
  return text
end

local function read_json(path)
  local value = json.decode(read(path))
  return type(value) == "table" and value or {}
end

local function member(value, name)
  value = type(value) == "table" and value[name]
  return type(value) == "table" and value or {}
end

local function folder_of(variable, name)
  local own, home = env.get(variable), env.get "HOME"
  return own and own ~= "" and own or home and home .. "/" .. name
end

local loopback = { localhost = "127.0.0.1", ["[::1]"] = "127.0.0.1" }

local function authority(url)
  local scheme, host, port = url:lower():match "^(https?)://([^/:]+):?(%d*)"
  if not scheme then
    scheme, host, port = url:lower():match "^(https?)://(%[[%x:]+%]):?(%d*)"
  end
  if not scheme then
    return nil
  end
  return (loopback[host] or host) .. ":"
    .. (port ~= "" and port or scheme == "https" and "443" or "80")
end

local function path_of(url)
  local path = url:match "^%a+://[^/]*(.-)/*$"
  return path ~= "" and path or "/"
end

local function leads_here(endpoint, url)
  return authority(endpoint) ~= nil and authority(endpoint) == authority(url)
end

---@class Agent
---@field name string
---@field found boolean       it is on this machine, or something is set
---@field on boolean          somebody has begun to set it up
---@field endpoint string?
---@field path string         of the endpoint: "/" where the agent adds its own
---@field missing string[]    what else is wrong
---@field token string?       that it sends
---@field paste string

local function check_endpoint(agent, url)
  local endpoint = agent.endpoint
  if not endpoint or endpoint == "" then
    return "no endpoint is set"
  elseif not leads_here(endpoint, url) then
    return ("the endpoint is %s, not %s"):format(endpoint, url)
  elseif path_of(endpoint) ~= agent.path then
    return ("the endpoint's path is %s, not %s"):format(path_of(endpoint), agent.path)
  end
  return nil
end

local function check_token(agent, asked)
  if not (asked and asked.guarded) then
    return nil
  elseif not agent.token then
    return "the server wants a token and none is sent"
  elseif not server.knows(asked, agent.token) then
    return "the server does not know the token that is sent"
  end
  return nil
end

local function check(report, agent, url, asked)
  if not agent.found then
    return
  elseif not agent.on then
    report:note(agent.name, "does not tell this server of its calls; to make it:", agent.paste)
    return
  end
  local faults = agent.missing
  faults[#faults + 1] = check_endpoint(agent, url)
  faults[#faults + 1] = check_token(agent, asked)
  if #faults > 0 then
    report:fault(agent.name, table.concat(faults, "; "), agent.paste)
  else
    report:fine(agent.name, "reports to " .. agent.endpoint)
  end
end

local function bearer(headers)
  return headers and headers:match "[Aa]uthorization=Bearer[ %%20]+([^,%s]+)"
end

local headers_line = 'export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer TOKEN"'

local function claude_lines(url, guarded)
  return table.concat({
    "export CLAUDE_CODE_ENABLE_TELEMETRY=1",
    "export OTEL_LOGS_EXPORTER=otlp OTEL_METRICS_EXPORTER=otlp",
    "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    "export OTEL_EXPORTER_OTLP_ENDPOINT=" .. url,
    guarded and headers_line or nil,
  }, "\n")
end

local function claude_faults(get)
  local faults = {}
  local enabled = get "CLAUDE_CODE_ENABLE_TELEMETRY"
  if enabled ~= "1" and enabled ~= "true" then
    faults[#faults + 1] = "CLAUDE_CODE_ENABLE_TELEMETRY is not 1"
  end
  if not (get "OTEL_LOGS_EXPORTER" or ""):find("otlp", 1, true) then
    faults[#faults + 1] = "OTEL_LOGS_EXPORTER is not otlp, and calls are told by logs"
  end
  local protocol = get "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL" or get "OTEL_EXPORTER_OTLP_PROTOCOL"
  if not (protocol or ""):find "^http/" then
    faults[#faults + 1] = ("OTEL_EXPORTER_OTLP_PROTOCOL is %s, not http/protobuf or http/json")
      :format(protocol or "not set")
  end
  return faults
end

local function claude(url, guarded)
  local folder = folder_of("CLAUDE_CONFIG_DIR", ".claude")
  local told = member(folder and read_json(folder .. "/settings.json"), "env")
  local function get(name)
    local value = told[name] or env.get(name)
    return value and value ~= "" and tostring(value) or nil
  end
  local logs = get "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
  local on = get "CLAUDE_CODE_ENABLE_TELEMETRY" ~= nil
  return {
    name = "Claude Code", found = on or folder and file.stat(folder) ~= nil, on = on,
    endpoint = logs or get "OTEL_EXPORTER_OTLP_ENDPOINT", path = logs and "/v1/logs" or "/",
    missing = claude_faults(get),
    token = bearer(get "OTEL_EXPORTER_OTLP_LOGS_HEADERS" or get "OTEL_EXPORTER_OTLP_HEADERS"),
    paste = claude_lines(url, guarded),
  }
end

local function codex_lines(folder, url, guarded)
  local headers = guarded and ', headers = { "Authorization" = "Bearer TOKEN" }' or ""
  return ("# %s/config.toml\n[otel]\nexporter = { otlp-http = { endpoint = \"%s/v1/logs\", "
    .. "protocol = \"binary\"%s } }"):format(folder, url, headers)
end

-- What stands behind otlp-http, without comments; enough TOML for what Codex' page shows.
local function codex(url, guarded)
  local folder = folder_of("CODEX_HOME", ".codex")
  local text = folder and ("\n" .. read(folder .. "/config.toml")):gsub("\n%s*#[^\n]*", "") or ""
  local section = text:match "\n%s*%[otel.*$"
  local http = section and section:match "otlp%-http.*$"
  local faults = {}
  if section and not http then
    faults[1] = "its exporter is not otlp-http"
  end
  return {
    name = "Codex", found = folder and file.stat(folder) ~= nil, on = section ~= nil,
    endpoint = http and http:match 'endpoint"?%s*=%s*"([^"]*)"', path = "/v1/logs",
    missing = faults, token = http and http:match '[Aa]uthorization"?%s*=%s*"Bearer ([^"]*)"',
    paste = codex_lines(folder, url, guarded),
  }
end

local function gemini_lines(url, guarded)
  return table.concat({
    "export GEMINI_TELEMETRY_ENABLED=true GEMINI_TELEMETRY_TARGET=local",
    "export GEMINI_TELEMETRY_OTLP_PROTOCOL=http",
    "export GEMINI_TELEMETRY_OTLP_ENDPOINT=" .. url,
    "export GEMINI_TELEMETRY_LOG_PROMPTS=false",
    guarded and headers_line or nil,
  }, "\n")
end

local function gemini_faults(get)
  local faults = {}
  local enabled, target = get("ENABLED", "enabled"), get("TARGET", "target")
  if enabled ~= "true" and enabled ~= "1" then
    faults[#faults + 1] = "telemetry is not enabled"
  end
  if target and target ~= "local" then
    faults[#faults + 1] = ("the target is %s, not local"):format(target)
  end
  if get("OTLP_PROTOCOL", "otlpProtocol") ~= "http" then
    faults[#faults + 1] = "the protocol is not http (grpc where none is set)"
  end
  if get("OUTFILE", "outfile") then
    faults[#faults + 1] = "it writes into a file: unset GEMINI_TELEMETRY_OUTFILE and outfile"
  end
  return faults
end

local function gemini(url, guarded)
  local home = folder_of("GEMINI_CLI_HOME", "")
  local folder = home and home:gsub("/+$", "") .. "/.gemini"
  local told = member(folder and read_json(folder .. "/settings.json"), "telemetry")
  local function get(variable, name)
    local value = env.get("GEMINI_TELEMETRY_" .. variable)
    if value == nil or value == "" then
      value = told[name]
    end
    return value ~= nil and value ~= json.null and tostring(value) or nil
  end
  local on = get("ENABLED", "enabled") ~= nil
  return {
    name = "Gemini CLI", found = on or folder and file.stat(folder) ~= nil, on = on,
    endpoint = get("OTLP_ENDPOINT", "otlpEndpoint"), path = "/", missing = gemini_faults(get),
    token = bearer(env.get "OTEL_EXPORTER_OTLP_HEADERS"), paste = gemini_lines(url, guarded),
  }
end

--- Those that are on this machine.
---@param report Report
---@param url string      where they should report
---@param asked Asked?    absent where nobody answers there
function agents.look(report, url, asked)
  local guarded = asked ~= nil and asked.guarded
  for _, describe in ipairs { claude, codex, gemini } do
    check(report, describe(url, guarded), url, asked)
  end
end

return agents
