--- Every line of sh in the documents about running and changing it, in a root of their own: what
--- the lines call /etc/moonledger, /var, 127.0.0.1:8787 and systemctl is real there.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"
local socket = require "socket"

local BINARY = os.getenv "MOONLEDGER" or "build/moonledger"

local documents = {
  "src/dist/README.md", "README.md", ".github/SECURITY.md", ".github/CONTRIBUTING.md",
  "spec/README.md",
}
local of_the_operator = { ["src/dist/README.md"] = true, ["README.md"] = true }

-- Stand-ins for what only a whole machine has.  systemctl does to a real server what systemd does:
-- the unit's command, its file of variables, its signals.
local stand_ins = {
  sudo = '[ "$1" != -u ] || shift 2; exec "$@"',
  -- ./run test-install runs it in a fresh Debian
  dpkg = '[ "$1" = -i ] && grep -q "dpkg -i" "$TREE/src/dist/test-install.sh"',
  moonledger = 'exec "$BINARY" "$@"',
  systemctl = [[
    pid=$(cat "$ROOT/pid" 2>/dev/null || echo 0)
    start() {
      command=$(sed -n 's/^ExecStart=moonledger//p' "$TREE/src/dist/moonledger.service" |
        sed "s|/etc/|$ROOT/etc/|")
      [ ! -f "$ROOT/etc/moonledger/tokens" ] || { set -a; . "$ROOT/etc/moonledger/tokens"; set +a; }
      setsid "$BINARY" $command >"$ROOT/log" 2>&1 </dev/null &
      echo $! >"$ROOT/pid"
      until grep -q '^listening' "$ROOT/log"; do kill -0 $! && sleep 0.02; done
    }
    stop() {
      kill "$pid"
      while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
    }
    [ "$2" = moonledger ] || exit 5
    case $1 in
      start) start ;;
      stop) stop ;;
      restart) stop; start ;;
      reload) kill -HUP "$pid" ;;
      status) kill -0 "$pid" ;;
      *) exit 2 ;;
    esac]],
}

-- { section, script } of each block of a document.
local function blocks(path)
  local found, section, script = {}, "", nil
  for line in assert(helpers.read_file(path), path):gmatch "([^\n]*)\n" do
    section = line:match "^#+ (.*)$" or section
    if script and line == "```" then
      found[#found + 1] = { section = section, script = table.concat(script, "\n") }
      script = nil
    elseif script then
      script[#script + 1] = line
    elseif line == "```sh" then
      script = {}
    end
  end
  return found
end

local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

describe("the documents", function()
  local root, tree, port

  local function shell(script)
    script = script:gsub("/etc/moonledger", root .. "/etc/moonledger")
      :gsub("/var/", root .. "/var/"):gsub("127%.0%.0%.1:8787", "127.0.0.1:" .. port)
    helpers.write_file(root .. "/step.sh", "set -eu\n" .. script .. "\n")
    local pipe = assert(io.popen(("cd %s && . %s/env && sh %s/step.sh 2>&1"):format(
      helpers.quote(tree), root, root)))
    local said = pipe:read "a"
    return pipe:close(), said
  end

  lazy_setup(function()
    root, port = helpers.temporary_folder(), free_port()
    tree = helpers.lines_of("pwd")[1]
    local binary = BINARY:sub(1, 1) == "/" and BINARY or tree .. "/" .. BINARY
    os.execute(("mkdir -p %s/bin %s/home %s/etc/moonledger %s/var/backups")
      :format(root, root, root, root))
    for name, script in pairs(stand_ins) do
      helpers.write_file(root .. "/bin/" .. name, "#!/bin/sh\nset -eu\n" .. script .. "\n")
    end
    os.execute(("chmod +x %s/bin/*"):format(root))
    local settings = assert(helpers.read_file "src/dist/config.lua")
    helpers.write_file(root .. "/etc/moonledger/config.lua",
      (settings:gsub("8787", port):gsub("/var/", root .. "/var/")))
    helpers.write_file(root .. "/env", ([[
      export ROOT=%s TREE=%s BINARY=%s HOME=%s/home PATH=%s/bin:$PATH
      export MOONLEDGER_CONFIG=%s/etc/moonledger/config.lua
      [ ! -f $ROOT/etc/moonledger/tokens ] || { set -a; . $ROOT/etc/moonledger/tokens; set +a; }
    ]]):format(root, helpers.quote(tree), helpers.quote(binary), root, root, root))
    local fine, said = shell "systemctl start moonledger"
    assert(fine, said)
  end)
  lazy_teardown(function()
    shell "systemctl stop moonledger"
    helpers.remove_folder(root)
  end)

  for _, path in ipairs(documents) do
    for i, block in ipairs(blocks(path)) do
      it(("do what they say: %s, %s (%d)"):format(path, block.section, i), function()
        if block.script:find("./run", 1, true) and os.getenv "SANITIZE" then
          return -- the other build's
        end
        -- nobody but the operator has the service's settings and tokens
        local own = (not of_the_operator[path] or block.section:find "^Several users")
          and "unset $(env | sed -n 's/^\\(MOONLEDGER_[A-Z_]*\\)=.*/\\1/p')\n" or ""
        local fine, said = shell(own .. block.script)
        assert.is_true(fine, block.script .. "\n" .. said)
        assert.is_nil(said:find('"error"', 1, true), said)
      end)
    end
  end

  it("have settings that are fine", function()
    local seen = 0
    for _, path in ipairs(documents) do
      for text in helpers.read_file(path):gmatch "```lua\n(.-)```" do
        seen = seen + 1
        helpers.write_file(root .. "/home/config.lua", text)
        local said = server.run { "check", root .. "/home/config.lua" }
        assert.same({ 0, "" }, { said.code, said.stderr })
      end
    end
    assert.equal(1, seen)
  end)

  it("have tokens that the service takes, and restored its data", function()
    for _, path in ipairs { "/moonledger.db", "/before/moonledger.db" } do
      assert.truthy(helpers.read_file(root .. "/var/lib/moonledger" .. path), path)
    end
    local status = helpers.lines_of(
      ("curl -s -o /dev/null -w '%%{http_code}' http://127.0.0.1:%d/logs/query"):format(port))[1]
    assert.equal("401", status)
  end)
end)
