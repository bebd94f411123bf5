--- moonledger WORD: lua/commands, and the modules that only commands have.
local helpers = require "spec.helpers"
local Process = require "spec.helpers.process"
local server = require "spec.helpers.server"
local socket = require "socket"

describe("a command", function()
  local root

  before_each(function()
    root = helpers.temporary_folder()
    os.execute("mkdir -p " .. root .. "/lua/commands")
    helpers.write_file(root .. "/config.lua", helpers.read_file "config.lua")
  end)
  after_each(function()
    helpers.remove_folder(root)
  end)

  local function write(name, body)
    helpers.write_file(("%s/lua/commands/%s.lua"):format(root, name), body)
  end

  local function run(...)
    return server.run({ "--config", root .. "/config.lua", ... }, { env = { SPEC_WORD = "moon" } })
  end

  -- What the body of a command's run prints.
  local function output(body)
    write("try",
      ("return { summary = 'Tries.', arguments = '[WORD...]', run = function(args) %s end }")
        :format(body))
    local result = run("try", root)
    assert.equal("", result.stderr)
    assert.equal(0, result.code)
    return result.stdout
  end

  it("is a file of the user's, and is listed by its summary beside the built-in ones", function()
    write("hello",
      "return { summary = 'Says hello.', run = function() print('hello', 1) return 3 end }")
    local result = run "hello"
    assert.same({ "hello\t1\n", "", 3 }, { result.stdout, result.stderr, result.code })
    local help = run("--help").stdout
    assert.truthy(help:find("\n  hello                 Says hello.\n", 1, true), help)
    assert.truthy(help:find("\n  import                Reads", 1, true), help)
  end)

  it("wins over the built-in one of its name", function()
    write("reprice", "return { summary = 'Mine.', run = function() print 'mine' end }")
    assert.equal("mine\n", run("reprice").stdout)
  end)

  it("is listed with what is wrong when its file is", function()
    write("broken", "return { summary = 'x' }")
    write("worse", "return {")
    local help = run "--help"
    assert.equal(0, help.code)
    assert.truthy(
      help.stdout:find("broken%s+lua/commands/broken.lua: must return a table with summary"),
      help.stdout)
    assert.truthy(help.stdout:find("worse%s+lua/commands/worse.lua:1: unexpected symbol"),
      help.stdout)
    assert.equal(1, run("broken").code)
    assert.truthy(run("worse").stderr:find("lua/commands/worse.lua:1:", 1, true))
  end)

  local options = [[return { summary = "Options.", arguments = "%s",
    options = { { "name", "NAME", "a name", default = "x" }, { "loud", false, "louder" },
      { "word", "WORD", "a word", env = "SPEC_WORD" } },
    run = function(args) print(args.name, args.loud, args.word, table.concat(args, ",")) end }]]

  for _, case in ipairs {
    { { "a" }, "x\tnil\tmoon\ta" },
    { { "a", "--name", "n", "b", "--loud" }, "n\ttrue\tmoon\ta,b" },
    { { "--name=n=m", "--word=", "-" }, "n=m\tnil\t\t-" },
    { { "--", "--name" }, "x\tnil\tmoon\t--name" },
  } do
    it("reads the words " .. table.concat(case[1], " "), function()
      write("words", options:format "WORD...")
      assert.equal(case[2] .. "\n", run("words", table.unpack(case[1])).stdout)
    end)
  end

  for _, case in ipairs {
    { {}, "words: expected WORD..." },
    { { "--nmae", "x" }, "words: unknown option --nmae" },
    { { "a", "--name" }, "words: --name needs a value: NAME" },
    { { "a", "--loud=1" }, "words: --loud takes no value" },
    { { "-x" }, "words: unknown option -x" },
  } do
    it("refuses with its help the words " .. table.concat(case[1], " "), function()
      write("words", options:format "WORD...")
      local result = run("words", table.unpack(case[1]))
      assert.equal(2, result.code)
      assert.equal("moonledger: " .. case[2], result.stderr:match "^[^\n]+")
      assert.truthy(result.stderr:find("usage: moonledger", 1, true))
    end)
  end

  it("takes no arguments that it does not declare", function()
    write("none", "return { summary = 'None.', run = function() end }")
    assert.equal(0, run("none").code)
    assert.truthy(run("none", "x").stderr:find("none: x: no argument is expected", 1, true))
  end)

  it("fails with what it returns or raises", function()
    write("returns", "return { summary = 'x', run = function() return nil, 'no luck' end }")
    write("raises", "return { summary = 'x', run = function() error 'oh' end }")
    local returned, raised = run "returns", run "raises"
    assert.same({ 1, "moonledger: no luck\n" }, { returned.code, returned.stderr })
    assert.same({ 1, "moonledger: lua/commands/raises.lua:1: oh\n" },
      { raised.code, raised.stderr })
  end)

  it("is told what is wrong with config.lua when it asks for it, and only then", function()
    helpers.write_file(root .. "/config.lua", "return { lissen = 1 }")
    assert.equal("fine\n", output "print 'fine'")
    write("asks", "return { summary = 'x', run = function() print(require('env').server()) end }")
    local result = run "asks"
    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("lissen", 1, true), result.stderr)
  end)

  it("has variables, the time and the server's address", function()
    assert.equal("moon\tnil\thttp://[::1]:99\ttrue\ttrue\n", (function()
      write("try", [[local env = require "env"
        return { summary = "x", run = function()
          local before = env.seconds()
          sleep(10)
          print(env.get "SPEC_WORD", env.get "SPEC_NOTHING", env.server(),
            env.seconds() - before >= 0.01, math.abs(env.now() - os.time()) < 5)
        end }]])
      return run("--listen", "[::1]:99", "try").stdout
    end)())
  end)

  it("reads lines and pieces, also packed and without a last line end", function()
    local text = "first\n\n" .. ("x"):rep(3000000) .. "\nlast"
    helpers.write_file(root .. "/plain", text)
    helpers.write_file(root .. "/packed.gz", helpers.gzip(text))
    helpers.write_file(root .. "/packed.zst",
      helpers.zstd(text:sub(1, 1000)) .. helpers.zstd(text:sub(1001)))
    for _, name in ipairs { "plain", "packed.gz", "packed.zst" } do
      assert.equal("5 0 3000000 4 nil\n3000012\n", output(([[
        local file = require "file"
        local reader <close> = assert(file.open(args[1] .. "/%s"))
        local sizes = {}
        for i = 1, 5 do
          local line = reader:line()
          sizes[i] = line and #line or "nil"
        end
        print(table.concat(sizes, " "))
        local pieces, again = {}, assert(file.open(args[1] .. "/%s"))
        for piece in function() return again:read() end do
          pieces[#pieces + 1] = piece
        end
        print(#table.concat(pieces))]]):format(name, name)))
    end
  end)

  it("tells of a packed file that is cut off or damaged", function()
    local packed = helpers.zstd("a line\n")
    helpers.write_file(root .. "/cut.zst", packed:sub(1, -2))
    helpers.write_file(root .. "/bad.zst", packed:sub(1, 6) .. "\xFF\xFF\xFF")
    assert.equal("nil\tthe file is cut off\nnil\tData corruption detected\n", output [[
      local file = require "file"
      for _, name in ipairs { "cut", "bad" } do
        local reader <close> = file.open(args[1] .. "/" .. name .. ".zst")
        print(reader:read())
      end]])
  end)

  it("lists folders, looks at files and writes them whole", function()
    local expected = "true\nnew file 3\nlua folder\nfile 3\nnil no such file\nnil no such file\n"
    assert.equal(expected, output [[
      local file = require "file"
      print(file.write(args[1] .. "/new", "old") and file.write(args[1] .. "/new", "abc"))
      local found = {}
      for _, entry in ipairs(file.list(args[1])) do
        found[entry.name] = entry
      end
      print("new " .. found.new.kind .. " " .. found.new.bytes)
      print("lua " .. found.lua.kind)
      local stat = file.stat(args[1] .. "/new")
      print(stat.kind .. " " .. stat.bytes)
      for _, look in ipairs { file.stat, file.list } do
        local none, why = look(args[1] .. "/nowhere")
        print(tostring(none) .. (why:find "nowhere: No such file" and " no such file" or why))
      end]])
  end)

  it("draws no progress where standard error is no terminal", function()
    assert.equal("false\n", output [[
      local term = require "term"
      term.progress "half"
      print(term.is_terminal "err")]])
  end)

  it("asks a server, whole or piece by piece", function()
    local s = server.start()
    s:ingest { { request_id = "a", model = "m" },
      { request_id = "b", model = "m", status_code = 500 } }
    local said = output(([[
      local client = require "client"
      local c <close> = assert(client.open("%s"))
      for i = 1, 3 do
        print(assert(c:get "/logs/query").status)
      end
      local headers = { ["content-type"] = "application/json" }
      print(c:post("/logs/ingest", '{"request_id":"c"}', { headers = headers }).status)
      local whole = c:get("/openapi.json")
      local streamed = c:get("/openapi.json", { stream = true })
      assert(streamed.headers["content-type"] == "application/json")
      local pieces = {}
      for piece in function() return c:read() end do
        pieces[#pieces + 1] = piece
      end
      print(table.concat(pieces) == whole.body, whole.status)
      print(c:get("/nowhere").status)]]):format(s.url))
    s:stop()
    assert.equal("200\n200\n200\n200\ntrue\t200\n404\n", said)
  end)

  it("keeps its connection while the server does, and reads all ways of framing", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(10)
    local _, port = listener:getsockname()
    write("try", ([[return { summary = "x", run = function()
      local c = require("client").open "http://localhost:%d"
      for i = 1, 3 do
        local response = assert(c:get("/" .. i))
        print(response.status, response.headers["x-of"], response.body)
      end
      local _, why = c:get "/4"
      print(why)
    end }]]):format(port))
    local binary = os.getenv "MOONLEDGER" or "build/moonledger"
    local process = Process.start({ binary, "--config", root .. "/config.lua", "try" }, root)
    local function take(connection)
      local head = {}
      repeat
        head[#head + 1] = assert(connection:receive())
      until head[#head] == ""
      return head[1]
    end
    local first = assert(listener:accept())
    first:settimeout(10)
    assert.equal("GET /1 HTTP/1.1", take(first))
    first:send "HTTP/1.1 103 Early Hints\r\nX-Of: early\r\n\r\nHTTP/1.1 200 OK\r\nX-O"
    first:send "f: one\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    first:send "2\r\nde\r\n0\r\nX-Of: trailer\r\n\r\n"
    assert.equal("GET /2 HTTP/1.1", take(first))
    first:send "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: close\r\n\r\nxy"
    first:close()
    local second = assert(listener:accept())
    assert.equal("GET /3 HTTP/1.1", take(second))
    second:send "HTTP/1.1 200 OK\r\n\r\nto the end"
    second:close()
    local last = assert(listener:accept())
    take(last)
    last:send "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"
    last:close()
    listener:close()
    assert.equal(0, process:wait(10))
    assert.equal("200\tone\tabcde\n201\tnil\txy\n200\tnil\tto the end\n"
      .. ("localhost:%d: the connection was closed within the response's body\n"):format(port),
      process:stdout())
  end)

  it("follows a stream as it comes", function()
    local s = server.start()
    assert.equal("true\n", output(([[
      local client = require "client"
      local c, other = client.open("%s"), client.open("%s")
      assert(c:get("/logs/stream", { stream = true }).status == 200)
      other:post("/logs/ingest", '{"request_id":"seen"}',
        { headers = { ["content-type"] = "application/json" } })
      local text = ""
      while not text:find "seen" do
        text = text .. assert(c:read())
      end
      print(true)]]):format(s.url, s.url)))
    s:stop()
  end)

  for _, case in ipairs {
    { "a wrong url", [[require("client").open "ftp://x"]],
      "ftp://x: expected http://HOST:PORT or https://HOST" },
    { "nobody there", [[require("client").open("http://127.0.0.1:1"):get "/"]],
      "127.0.0.1:1: connection refused" },
  } do
    it("is told of " .. case[1], function()
      assert.equal("nil\t" .. case[3] .. "\n", output(("print(%s)"):format(case[2])))
    end)
  end

  for _, case in ipairs {
    { "a line break in a header",
      [[require("client").open("http://127.0.0.1:1"):get("/", { headers = { a = "b\r\nc" } })]],
      "control character" },
    { "an unknown option", [[require("client").open("http://127.0.0.1:1", { tokne = "x" })]],
      "unknown option 'tokne'" },
    { "a route's module", [[require "sse"]], "module 'sse' is for routes" },
    { "a module that is not there", [[require "nothing.here"]],
      "there is no lua/nothing/here.lua" },
  } do
    it("raises on " .. case[1], function()
      write("try", ("return { summary = 'x', run = function() %s end }"):format(case[2]))
      local result = run "try"
      assert.equal(1, result.code)
      assert.truthy(result.stderr:find(case[3], 1, true), result.stderr)
    end)
  end

  it("that imports says with its exit code that nothing could be read", function()
    local function import(text)
      helpers.write_file(root .. "/records.ndjson", text)
      return run("--database", root .. "/m.db", "import", root .. "/records.ndjson")
    end
    local junk = import "timestamp,model\n1,gpt-4o\n\27[2J\n"
    assert.equal(1, junk.code)
    assert.matches("moonledger: nothing of it could be taken\n$", junk.stderr)
    assert.is_nil(junk.stderr:find "\27")
    assert.equal(0, import('{"request_id":"a","model":"m"}\nnot this line\n').code)
    assert.equal(0, import('{"request_id":"a","model":"m"}\n').code)
  end)

  it("reads the price file as routes do", function()
    local code = [[print(require("price_file").read())]]
    local path = root .. "/prices.json"
    assert.equal("nil\n", output(code))
    helpers.write_file(root .. "/config.lua", ([[local config = (function() %s end)()
      config.pricing.file = "prices.json"
      return config]]):format(helpers.read_file "config.lua"))
    helpers.write_file(path, "{}")
    assert.equal("{}\n", output(code))
    local file <close> = assert(io.open(path, "w"))
    file:seek("set", 16 * 1024 * 1024)
    file:write "}"
    file:flush()
    assert.equal(("nil\t%s: no file of at most 16 MiB\n"):format(path), output(code))
  end)

  it("is what lua/commands/README.md shows", function()
    local example = helpers.read_file("lua/commands/README.md"):match "```lua\n(.-)```"
    write("errors", example)
    local s = server.start()
    s:ingest { { request_id = "a", model = "gpt-4o", status_code = 500 },
      { request_id = "b", model = "gpt-4o" },
      { request_id = "c", model = "50%&more of it", status_code = 500 } }
    local function errors(...)
      return run("--listen", s.url:match "//(.*)", "errors", "--hours", ...)
    end
    local result = errors("2", "gpt-4o", "50%&more of it")
    assert.same({ "gpt-4o 1\n50%&more of it 1\n", "" }, { result.stdout, result.stderr })
    result = errors("abc", "gpt-4o")
    assert.same({ 1, "", ("moonledger: %s: hours: Input should be a valid integer, unable to "
      .. "parse string as an integer\n"):format(s.url) },
      { result.code, result.stdout, result.stderr })
    s:stop()
  end)
end)

describe("a route that requires a command's module", function()
  -- What --check says where lua/routes/health.lua requires file, beside these files.
  local function check(files)
    local root = helpers.temporary_folder()
    os.execute(("cp -R config.lua lua static %s"):format(helpers.quote(root)))
    helpers.write_file(root .. "/lua/routes/health.lua",
      'local file = require "file"\nreturn { summary = "x", handle = function() return file end }')
    for name, text in pairs(files) do
      helpers.write_file(root .. "/" .. name, text)
    end
    local result = server.run { "--config", root .. "/config.lua", "--check" }
    helpers.remove_folder(root)
    return result
  end

  it("is refused with the reason", function()
    local result = check {}
    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("module 'file' is for commands (lua/commands)", 1, true),
      result.stderr)
  end)

  it("gets the user's own file of that name where there is one", function()
    assert.equal(0, check({ ["lua/file.lua"] = "return {}" }).code)
  end)
end)
