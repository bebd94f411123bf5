--- nginx with TLS, and a CA that signed for it.
local Process = require "spec.helpers.process"
local helpers = require "spec.helpers"
local socket = require "socket"

local tls = {}

local TOOLS = "build/tools"

local CERTIFICATES = [[
cd "$0"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
  -subj "/CN=spec CA" -keyout ca.key -out ca.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=spec" \
  -keyout server.key -out server.csr
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > names
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
  -extfile names -out server.pem
]]

-- Each answer tells how its connection came about; all but /kept close it.
local CONF = [[
daemon off; master_process off; error_log stderr; pid $FOLDER/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path $FOLDER/body; proxy_temp_path $FOLDER/proxy;
  fastcgi_temp_path $FOLDER/fastcgi; uwsgi_temp_path $FOLDER/uwsgi; scgi_temp_path $FOLDER/scgi;
  ssl_certificate $FOLDER/server.pem; ssl_certificate_key $FOLDER/server.key;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:spec:1m; client_max_body_size 0;
  server {
    listen 127.0.0.1:$PORT ssl; listen 127.0.0.2:$PORT ssl;
    root $FOLDER; gzip on; gzip_types text/plain; gzip_min_length 1;
    location /new { keepalive_timeout 0; return 200
      "$ssl_session_reused $ssl_server_name $ssl_protocol"; }
    location /kept { return 200 "$connection $connection_requests"; }
    location /upload { proxy_pass https://127.0.0.1:$PORT/new; }
  }
  server { listen 127.0.0.1:$OLD ssl; ssl_protocols TLSv1.1; return 200 "old"; }
}
]]

local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

---@class TlsPeer
---@field port integer
---@field old integer    a port that speaks no TLS newer than 1.1
---@field ca_file string
local Tls = {}
Tls.__index = Tls

---@return TlsPeer
function tls.nginx()
  local folder = helpers.temporary_folder()
  local t = setmetatable({ folder = folder, port = free_port(), old = free_port() }, Tls)
  assert(os.execute(("sh -e -c %s %s 2>/dev/null"):format(helpers.quote(CERTIFICATES), folder)))
  t.ca_file = folder .. "/ca.pem"
  local conf = CONF:gsub("%$(%u+)", { FOLDER = folder, PORT = t.port, OLD = t.old })
  helpers.write_file(folder .. "/nginx.conf", conf)
  helpers.write_file(folder .. "/big.txt", ("moon"):rep(2500000))
  local libraries = ("%s/usr/lib/x86_64-linux-gnu"):format(TOOLS)
  t.process = Process.start({
    "LD_LIBRARY_PATH=" .. libraries, TOOLS .. "/usr/sbin/nginx", "-p", folder, "-c",
    folder .. "/nginx.conf", "-e", "stderr",
  }, folder)
  helpers.eventually(function()
    assert(not t.process:has_ended(), t.process:stderr())
    local probe = socket.connect("127.0.0.1", t.port)
    return probe and probe:close() or probe
  end)
  return t
end

function Tls:stop()
  if self.process then
    self.process:kill()
    helpers.remove_folder(self.folder)
    self.process = nil
  end
end

Tls.__close = Tls.stop
Tls.__gc = Tls.stop

return tls
