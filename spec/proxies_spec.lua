--- TLS before the server: the lines of src/dist/README.md for nginx and Caddy, in the real ones.
local helpers = require "spec.helpers"
local Process = require "spec.helpers.process"
local server = require "spec.helpers.server"
local socket = require "socket"

local NAME = "ledger.example.com"

local function block(language)
  local text = assert(helpers.read_file "src/dist/README.md")
  return assert(text:match("```" .. language .. "\n(.-)```"), language)
end

local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

local function nginx(folder, upstream, port)
  os.execute(([[cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -days 2 -subj /CN=%s -keyout ledger.key -out ledger.pem 2>/dev/null]]):format(folder, NAME))
  local temporary = {}
  for _, name in ipairs { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" } do
    temporary[#temporary + 1] = ("%s_temp_path %s/%s;"):format(name, folder, name)
  end
  helpers.write_file(folder .. "/nginx.conf", ([[
    daemon off; master_process off; error_log stderr; pid %s/nginx.pid; events {}
    http { access_log off; %s
      %s }]]):format(folder, table.concat(temporary, " "), block "nginx"
    :gsub("443", "127.0.0.1:" .. port):gsub("/etc/ssl", folder)
    :gsub("127%.0%.0%.1:8787", upstream)))
  return { "build/tools/usr/sbin/nginx", "-p", folder, "-c", folder .. "/nginx.conf", "-e",
    "stderr" }
end

-- It makes a certificate of its own, as it would get one for a name on the web.
local function caddy(folder, upstream, port)
  helpers.write_file(folder .. "/Caddyfile", "{\n  admin off\n  skip_install_trust\n"
    .. "  auto_https disable_redirects\n}\n" .. block "caddy"
    :gsub(NAME .. " {", ("%s:%d {\n  bind 127.0.0.1\n  tls internal"):format(NAME, port))
    :gsub("127%.0%.0%.1:8787", upstream))
  return { "HOME=" .. folder, "XDG_DATA_HOME=" .. folder, "build/tools/usr/bin/caddy", "run",
    "--adapter", "caddyfile", "--config", folder .. "/Caddyfile" }
end

for name, words in pairs { nginx = nginx, caddy = caddy } do
  describe("behind " .. name .. " with its lines, the server", function()
    local s, folder, proxy, port

    local function curl(path, more)
      return table.concat(helpers.lines_of(
        ("curl -skS --max-time 20 --resolve %s:%d:127.0.0.1 %s https://%s:%d%s 2>&1"):format(NAME,
          port, more or "", NAME, port, path)), "\n")
    end

    lazy_setup(function()
      folder, port = helpers.folder(), free_port()
      s = server.start { -- a sign of life ends a curl whose reader is gone
        config = ('config.hosts, config.stream.heartbeat_ms = { "%s" }, 50'):format(NAME),
      }
      proxy = Process.start(words(folder.path, "127.0.0.1:" .. s.port, port), folder.path)
      helpers.eventually(function()
        assert(not proxy:has_ended(), proxy:stderr())
        return curl("/health/live"):find('"pass"', 1, true)
      end)
    end)
    lazy_teardown(function()
      proxy:signal "TERM"
      proxy:wait(helpers.SECONDS)
      s:stop()
      helpers.remove_folder(folder.path)
    end)

    it("takes records and answers", function()
      local stored = curl("/logs/ingest",
        [[-H 'content-type: application/json' -d '{"request_id":"a","model":"m"}']])
      assert.truthy(stored:find('"accepted":1', 1, true), stored)
      assert.truthy(curl("/logs/query"):find('"model":"m"', 1, true))
    end)

    it("streams at once", function()
      -- head ends curl after the two events, for it may wait for more
      local stream = io.popen(("curl -skN --max-time 60 --resolve %s:%d:127.0.0.1 "
        .. "https://%s:%d/logs/stream | grep --line-buffered -m 2 ^data:"):format(NAME, port, NAME,
        port))
      assert.truthy(stream:read("l"):find('"type":"connection"', 1, true))
      s:ingest { { request_id = "b", model = "streamed" } }
      local line
      repeat
        line = assert(stream:read "l")
      until line:find("streamed", 1, true)
      stream:close()
    end)
  end)
end
