--- Files below static/.
local helpers = require "spec.helpers"
local http = require "spec.helpers.http"

describe("a static file", function()
  local s
  lazy_setup(function()
    s = http.start {
      files = {
        ["static/a.html"] = "<h1>hello</h1>", ["static/app.js"] = "export {}",
        ["static/.secret"] = "no", ["static/sub/.hidden/x.txt"] = "no",
        ["static/sub/x.txt"] = "0123456789", ["static/empty.css"] = "",
        ["static/z.txt"] = "plain", ["static/z.txt.gz"] = helpers.gzip "packed",
        ["secret.txt"] = "no",
      },
    }
    os.execute(("cd %s/static && ln -s ../secret.txt link.txt && ln -s .. up "
      .. "&& touch -d '1 hour ago' *.html */*.txt"):format(helpers.quote(s.root)))
  end)
  lazy_teardown(function() s:stop() end)

  local function get(path, headers)
    return s:get("/t/file/" .. path, headers)
  end

  it("has its type, and browsers may not guess another", function()
    local types = {
      ["a.html"] = "text/html; charset=utf-8", ["app.js"] = "text/javascript; charset=utf-8",
      ["sub/x.txt"] = "text/plain; charset=utf-8", ["empty.css"] = "text/css; charset=utf-8",
    }
    for path, type in pairs(types) do
      local response = get(path)
      assert.same({ 200, type, "nosniff" },
        { response.status, response.headers["content-type"],
          response.headers["x-content-type-options"] })
    end
    assert.same("<h1>hello</h1>", get("a.html").body)
    assert.matches("frame%-ancestors 'none'", get("a.html").headers["content-security-policy"])
  end)

  it("is found only below static/, and only when it is shown", function()
    for _, path in ipairs {
      "nothing", "sub", "sub/", ".secret", "sub/.hidden/x.txt", "link.txt", "up/secret.txt",
      "../secret.txt",
      "%2e%2e/secret.txt", "sub/../../secret.txt", "/etc/passwd", "a.html/x", "sub//x.txt",
    } do
      assert.same(404, get(path).status, path)
    end
    assert.same(400, get("..%2Fsecret.txt").status)
  end)

  it("is not sent again to who has it", function()
    local first = get("a.html")
    assert.matches('^"[%x-]+"$', first.headers.etag)
    for _, headers in ipairs {
      { ["if-none-match"] = first.headers.etag }, { ["if-none-match"] = "*" },
      { ["if-none-match"] = '"other", W/' .. first.headers.etag },
      { ["if-modified-since"] = first.headers["last-modified"] },
    } do
      local again = get("a.html", headers)
      assert.same({ 304, "", first.headers.etag }, { again.status, again.body, again.headers.etag })
      assert.is_nil(again.headers["content-length"])
    end
    local changed =
      { ["if-none-match"] = '"other"', ["if-modified-since"] = first.headers["last-modified"] }
    assert.same(200, get("a.html", changed).status)
    assert.same(200,
      get("a.html", { ["if-modified-since"] = "Mon, 01 Jan 2001 00:00:00 GMT" }).status)
  end)

  local RANGES = {
    { "bytes=0-3", 206, "0123", "bytes 0-3/10" },
    { "bytes=7-", 206, "789", "bytes 7-9/10" },
    { "bytes=-2", 206, "89", "bytes 8-9/10" },
    { "bytes=-20", 206, "0123456789", "bytes 0-9/10" },
    { "bytes=5-99", 206, "56789", "bytes 5-9/10" },
    { "bytes=10-", 416, nil, "bytes */10" },
    { "bytes=-0", 416, nil, "bytes */10" },
    { "bytes=3-1", 200, "0123456789" },
    { "bytes=0-1,4-5", 200, "0123456789" },
    { "lines=0-1", 200, "0123456789" },
    { "bytes=x", 200, "0123456789" },
    { "bytes=99999999999999999999-", 416, nil, "bytes */10" },
  }
  for _, case in ipairs(RANGES) do
    it("gives the range " .. case[1], function()
      local response = get("sub/x.txt", { range = case[1] })
      assert.same({ case[2], case[4] }, { response.status, response.headers["content-range"] })
      assert.same(case[3] or "", response.body)
    end)
  end

  it("gives no range of an empty one", function()
    for range, status in pairs { ["bytes=-5"] = 200, ["bytes=-0"] = 416, ["bytes=0-"] = 416 } do
      local response = get("empty.css", { range = range })
      assert.same({ status, "" }, { response.status, response.body }, range)
      assert.equal(status == 416 and "bytes */0" or nil, response.headers["content-range"])
    end
  end)

  it("gives a range only of the version that is meant", function()
    local headers = get("sub/x.txt").headers
    for condition, status in pairs {
      [headers.etag] = 206, [headers["last-modified"]] = 206, ['"other"'] = 200,
      ["W/" .. headers.etag] = 200,
    } do
      assert.same(status,
        get("sub/x.txt", { range = "bytes=0-1", ["if-range"] = condition }).status, condition)
    end
  end)

  it("is taken from beside it when it lies there compressed", function()
    local packed = get("z.txt", { ["accept-encoding"] = "gzip" })
    local plain = get "z.txt"
    assert.same({ "packed", "gzip", "plain" },
      { helpers.gunzip(packed.body), packed.headers["content-encoding"], plain.body })
    assert.not_same(plain.headers.etag, packed.headers.etag)
    assert.matches("Accept%-Encoding", plain.headers.vary)
    assert.same("text/plain; charset=utf-8", packed.headers["content-type"])
  end)
end)
