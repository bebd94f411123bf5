--- http over TLS, against nginx: who is trusted, and what a connection costs the next one.
local peer = require "spec.helpers.peer"
local tls = require "spec.helpers.tls"

local ALLOW = 'config.outside.allow = { "127.0.0.0/8", "localhost" }\n'

local function start(ca_file, env)
  return peer.caller {
    config = ALLOW .. (ca_file and ("config.outside.ca_file = %q"):format(ca_file) or ""),
    env = env,
  }
end

local function get(s, url)
  return peer.run(s, [[
    local r, message, reason = http.get "%s"
    if not r then return false, message, reason end
    return r.status, r.body]], url)
end

describe("http over TLS", function()
  local nginx, s, url

  lazy_setup(function()
    nginx = tls.nginx()
    url = "https://localhost:" .. nginx.port
    s = start(nginx.ca_file)
  end)

  lazy_teardown(function()
    s:stop()
    nginx:stop()
  end)

  it("names the host, and resumes sessions", function()
    assert.same({ 200, ". localhost TLSv1.3" }, { get(s, url .. "/new") })
    assert.same({ 200, "r localhost TLSv1.3" }, { get(s, url .. "/new") })
    assert.same({ 200, ".  TLSv1.3" }, { get(s, ("https://127.0.0.1:%d/new"):format(nginx.port)) })
  end)

  it("keeps connections", function()
    local _, first = get(s, url .. "/kept")
    local _, second = get(s, url .. "/kept")
    assert.equal(first:match "^%d+", second:match "^%d+")
  end)

  it("carries much, both ways, and gzip", function()
    assert.same({ 10000000, 10000000, 200, "gzip" }, { peer.run(s, [[
      local got, plain = 0, 0
      local r = assert(http.get("%s/big.txt", { stream = true }))
      for piece in function() return r:read() end do got = got + #piece end
      local raw = assert(http.get("%s/big.txt", { stream = true, raw = true }))
      for piece in function() return raw:read() end do plain = plain + #piece end
      local left = 3000
      local up = assert(http.request { method = "POST", url = "%s/upload", length = 3000000,
        body = function()
          left = left - 1
          return left >= 0 and ("x"):rep(1000) or nil
        end })
      return got, plain, up.status, r.headers["content-encoding"] ]],
      url, url, url) })
  end)

  it("makes 200 calls at once", function()
    assert.equal(200, (peer.run(s, [[
      local open, fine = {}, 0
      for i = 1, 200 do open[i] = assert(http.get("%s/big.txt", { stream = true })) end
      for _, r in ipairs(open) do fine = fine + (r:read() and 1 or 0) end
      return fine]], url)))
  end)

  it("trusts nobody else", function()
    local function fails(server, target)
      return select(2, get(server, target))
    end
    local port = nginx.port
    assert.same({ ("127.0.0.2:%d: IP address mismatch"):format(port), "tls" },
      { fails(s, ("https://127.0.0.2:%d/new"):format(port)) })
    local message, reason = fails(s, ("https://localhost:%d/"):format(nginx.old))
    assert.same({ true, "tls" }, { message:find("^localhost:" .. nginx.old) ~= nil, reason })

    local system <close> = start()
    assert.same({ ("localhost:%d: unable to get local issuer certificate"):format(port), "tls" },
      { fails(system, url .. "/new") })
    system:stop()
    local environment <close> = start(nil, { SSL_CERT_FILE = nginx.ca_file })
    assert.same({ 200, ". localhost TLSv1.3" }, { get(environment, url .. "/new") })
    environment:stop()
    local none <close> = start("/nowhere.pem")
    message, reason = fails(none, url .. "/new")
    assert.equal("tls", reason)
    assert.matches("/nowhere.pem holds no CA certificates that can be read", message)
    none:stop()
  end)
end)
