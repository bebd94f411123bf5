--- Other people's programs to measure against.  ./run bench fetches them from
--- Debian and npm into build/tools; what is not there is skipped.
local machine = require "spec.bench.machine"
local helpers = require "spec.helpers"

local peers = {}

local TOOLS = machine.shell("pwd"):match "[^\n]+" .. "/build/tools"
local POSTGRES = "/usr/lib/postgresql/15/bin"

local function path_of(path)
  return helpers.read_file(TOOLS .. path) and TOOLS .. path or helpers.read_file(path)
    and path or nil
end

local FILES = {
  nginx = { "/usr/sbin/nginx", "/usr/lib/nginx/modules/ngx_http_lua_module.so" },
  nchan = { "/usr/sbin/nginx", "/usr/lib/nginx/modules/ngx_nchan_module.so" },
  postgresql = { POSTGRES .. "/postgres", "/usr/bin/psql" },
  ["prom-client"] = { "/node_modules/prom-client/package.json" },
  duckdb = { "/node_modules/@duckdb/node-api/package.json" },
}

--- Why a peer cannot be measured here, or nil.
---@param name string
function peers.missing(name)
  for _, path in ipairs(FILES[name]) do
    if not path_of(path) then
      return name .. " is not here"
    end
  end
end

local NGINX = [[
daemon off; master_process off; worker_rlimit_nofile 20000;
$MODULES
error_log $FOLDER/error.log; pid $FOLDER/nginx.pid;
events { worker_connections 20000; }
http {
  access_log off; keepalive_requests 1000000000; tcp_nodelay on;
  client_body_temp_path $FOLDER/body; proxy_temp_path $FOLDER/proxy;
  fastcgi_temp_path $FOLDER/fastcgi; uwsgi_temp_path $FOLDER/uwsgi; scgi_temp_path $FOLDER/scgi;
  $HTTP
  server { listen 127.0.0.1:$PORT $LISTEN backlog=4096; $SERVER }
}
]]

local function nginx(parts)
  local folder, port = helpers.temporary_folder(), machine.free_port()
  local modules = {}
  for i, module in ipairs(parts.modules) do
    modules[i] = ("load_module %s;"):format(path_of("/usr/lib/nginx/modules/" .. module))
  end
  local values = {
    FOLDER = folder, PORT = port, MODULES = table.concat(modules, " "), HTTP = parts.http,
    SERVER = parts.server, LISTEN = parts.listen or "",
  }
  local text = NGINX:gsub("%$(%u+)", values):gsub("%$TOOLS", TOOLS)
  helpers.write_file(folder .. "/nginx.conf", text)
  return machine.start({
    "env",
    ("LD_LIBRARY_PATH=%s/usr/lib/x86_64-linux-gnu:%s/lib/x86_64-linux-gnu"):format(TOOLS, TOOLS),
    path_of "/usr/sbin/nginx", "-p", folder, "-c", folder .. "/nginx.conf", "-e",
    folder .. "/error.log",
  }, { port = port, folder = folder })
end

--- nginx whose content comes from Lua, at /bench.
function peers.nginx_lua()
  return nginx {
    modules = { "ndk_http_module.so", "ngx_http_lua_module.so" },
    http = [[
      lua_package_path "$TOOLS/usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?.lua;;";
      lua_package_cpath "/usr/lib/x86_64-linux-gnu/lua/5.1/?.so;;";
      init_by_lua_block { cjson = require "cjson" }]],
    server = [[
      location /bench {
        default_type application/json;
        content_by_lua_block { ngx.print(cjson.encode { message = "hello", n = 42 }) }
      }]],
  }
end

local MESSAGE = '{"id":"msg_1","type":"message","model":"claude-sonnet-4-5","content":[],'
  .. '"usage":{"input_tokens":10,"output_tokens":20}}'

--- nginx as the other side of a capture: a small answer of Anthropic's.
function peers.upstream()
  return nginx {
    modules = {}, http = "",
    server = ("location / { default_type application/json; return 200 '%s'; }"):format(MESSAGE),
  }
end

--- nginx that passes all on to that port, at once.
function peers.proxy(port)
  return nginx {
    modules = {},
    http = ("upstream other { server 127.0.0.1:%d; keepalive 64; }"):format(port),
    server = [[location / { proxy_pass http://other; proxy_http_version 1.1;
      proxy_buffering off; proxy_set_header Connection ""; proxy_set_header Host 127.0.0.1; }]],
  }
end

--- The same, which speaks TLS; certificate is a file that vouches for it.
function peers.tls_proxy(port)
  local folder = helpers.temporary_folder()
  assert(os.execute(([[openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -days 2 -subj /CN=bench -addext subjectAltName=IP:127.0.0.1 -keyout %s/key -out %s/certificate \
    2>/dev/null]]):format(folder, folder)))
  local proxy = nginx {
    modules = {}, listen = "ssl",
    http = ("ssl_certificate %s/certificate; ssl_certificate_key %s/key;"):format(folder, folder),
    server = ([[location / { proxy_pass http://127.0.0.1:%d; proxy_http_version 1.1;
      proxy_buffering off; proxy_set_header Connection ""; proxy_set_header Host 127.0.0.1;
      }]]):format(port),
  }
  proxy.certificate = folder .. "/certificate"
  return proxy
end

--- nginx with nchan: GET /sub subscribes, POST /pub publishes.
function peers.nchan()
  return nginx {
    modules = { "ngx_nchan_module.so" },
    http = "nchan_max_reserved_memory 256m;",
    server = [[
      location /sub {
        nchan_subscriber eventsource; nchan_channel_id bench; nchan_subscriber_first_message newest;
      }
      location /pub {
        nchan_publisher http; nchan_channel_id bench; nchan_message_buffer_length 1000;
      }]],
  }
end

local function node(core, script, ...)
  return machine.run({ "env", "NODE_PATH=" .. TOOLS .. "/node_modules", "node",
    "spec/bench/" .. script, ... }, core)
end

--- A Node script of spec/bench that prints NAME=NUMBER words, on our server's core.
---@param script string
function peers.node(script, ...)
  return node(1, script, ...)
end

--- The same on all cores.
---@param script string
function peers.node_anywhere(script, ...)
  return node(machine.ANY_CORE, script, ...)
end

local TYPES = {
  string = "text", integer = "bigint", float = "double precision", boolean = "boolean",
  time = "timestamptz",
}

--- SQL that makes the table "records" with the columns of schema.lua.
---@param key string  what is said of the id: "" or " PRIMARY KEY"
function peers.create_table(key)
  local columns = {}
  for _, column in ipairs(dofile "lua/schema.lua".columns) do
    if not column.in_extra then
      columns[#columns + 1] = ('"%s" %s%s')
        :format(column[1], TYPES[column[2]], column.role == "id" and key or "")
    end
  end
  return ("CREATE TABLE records (%s);\n"):format(table.concat(columns, ", "))
end

---@class Postgres
local Postgres = {}
Postgres.__index = Postgres

--- A fresh PostgreSQL cluster that listens on a socket in its folder.  It refuses to be root.
function peers.postgres()
  local folder = helpers.temporary_folder()
  local user = ""
  if machine.shell("id -u"):match "%d+" == "0" then
    user = "setpriv --reuid=nobody --regid=nogroup --clear-groups "
    os.execute("chown nobody " .. folder)
  end
  local bin = path_of(POSTGRES .. "/postgres"):match "(.*)/"
  local p = setmetatable({ folder = folder, bin = bin, user = user }, Postgres)
  p:command(bin .. "/initdb -D " .. folder .. "/data -A trust -U bench -E UTF8 --no-locale")
  local settings = ("-k %s -c listen_addresses= -c max_wal_size=8GB"):format(folder)
  p:command(("taskset -c 1 %s/pg_ctl -D %s/data -w -l %s/log -o '%s' start")
    :format(bin, folder, folder, settings))
  return p
end

function Postgres:command(text)
  local output, ok = machine.shell(("cd %s && %s%s 2>&1"):format(self.folder, self.user, text))
  assert(ok, output)
end

--- Runs a file of SQL and COPY data.
function Postgres:psql(file)
  local words = "taskset -c 0 %s -h %s -U bench -d postgres -q -v ON_ERROR_STOP=1 -f %s 2>&1"
  local output, ok = machine.shell(words:format(path_of "/usr/bin/psql", self.folder, file))
  assert(ok, output)
end

function Postgres:stop()
  self:command(("%s/pg_ctl -D %s/data -m fast -w stop"):format(self.bin, self.folder))
  helpers.remove_folder(self.folder)
end

return peers
