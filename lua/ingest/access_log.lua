--- JSON access logs of nginx (the log_format in README.md here) and of Caddy, in front
--- of an LLM API.  They know no model and no tokens.
local batches = require "ingest.batch"
local dates = require "lib.dates"
local lines = require "ingest.lines"
local values = require "lib.values"

local access_log = {}

local number, object, text = values.number, values.object, values.text

-- Google's API takes its key in the query.
local function split(uri)
  local at = uri and uri:find("?", 1, true)
  if not at then
    return uri, nil
  end
  local query = values.clip(uri:sub(at + 1), 2048)
  return uri:sub(1, at - 1), (("&" .. query):gsub("(&key=)[^&]*", "%1REDACTED"):sub(2))
end

local function milliseconds(seconds)
  local n = number(seconds)
  return n and n >= 0 and values.milliseconds(n) or nil
end

-- "0.1, 3.879" when a request went to several upstreams, "-" when to none.
local function last_of(list)
  return type(list) == "string" and #list < 256 and list:match("([%d.]+)%s*$") or list
end

local function nginx(row)
  local path, query = split(values.first_text(row.request_uri, row.uri))
  return {
    request_id = values.first_text(row.request_id),
    timestamp = values.first_text(row.time, row.msec, row.time_iso8601),
    method = values.first_text(row.request_method, row.method),
    endpoint = path,
    path = path,
    query = query,
    status_code = values.count(row.status),
    duration_ms = milliseconds(row.request_time),
    client_ip = values.first_text(row.remote_addr),
    user_agent = text(row.http_user_agent),
    service_type = "access_log",
    upstream_ms = milliseconds(last_of(row.upstream_response_time)),
    upstream_request_id = text(row.upstream_request_id),
    response_bytes = values.count(row.body_bytes_sent),
    host = text(row.host),
  }
end

local function header(headers, name)
  local value = object(headers)[name]
  return text(type(value) == "table" and value[1] or value)
end

-- Caddy's lines have no id of their own; the upstream's may be that of a row which a
-- client's telemetry brings.
local function caddy(row)
  local request = object(row.request)
  local path, query = split(text(request.uri))
  local client = values.first_text(request.client_ip, request.remote_ip)
  local time = text(row.ts)
  return {
    request_id = time and table.concat({
      "caddy", time, client or "", text(request.remote_port) or "", text(row.duration) or "",
      values.clip(path, 200) or "",
    }, ":"),
    timestamp = row.ts,
    method = text(request.method),
    endpoint = path,
    path = path,
    query = query,
    status_code = values.count(row.status),
    duration_ms = milliseconds(row.duration),
    client_ip = client,
    user_agent = header(request.headers, "User-Agent"),
    service_type = "access_log",
    upstream_request_id = header(row.resp_headers, "Request-Id")
      or header(row.resp_headers, "X-Request-Id"),
    request_bytes = values.count(row.bytes_read),
    response_bytes = values.count(row.size),
    host = text(request.host),
  }
end

local function is_caddy(row)
  return type(row.logger) == "string"
end

local function is_access(row)
  return not is_caddy(row) or row.logger:sub(1, 15) == "http.log.access"
end

local function fault_of(record)
  if not (record.path and record.status_code) then
    return "is no known access log line: nginx's has uri and status, Caddy's logger and request"
  end
  if not dates.seconds(record.timestamp) then
    return "has no time that can be read"
  end
  return nil
end

--- Records of log lines; Caddy's lines of other loggers are left out.
---@param body Text
---@param hand_on (fun(batch: Batch): any?, string?)?
---@return Batch
function access_log.decode(body, hand_on)
  local batch = batches.new(hand_on)
  lines.each(body, batch, function(row, line)
    if not is_access(row) then
      return
    end
    local record = is_caddy(row) and caddy(row) or nginx(row)
    local fault = fault_of(record)
    if fault then
      batch:reject(("line %d %s"):format(line, fault))
    else
      batch:add(record)
    end
  end)
  return batch
end

return access_log
