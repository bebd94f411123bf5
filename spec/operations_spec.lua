--- Every line of sh in every document but the tour of README.md (tour_spec.lua), in a root of their
--- own: what the lines call /etc/moonledger, /var, ~, 127.0.0.1:8787 and systemctl is real there.
local documents = require "spec.helpers.documents"
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"
local socket = require "socket"

local BINARY = os.getenv "MOONLEDGER" or "build/moonledger"

-- Lines that cannot run as they stand, what runs in their stead, and why.
local instead = {
  -- it would serve until it is told to stop, on a port that may be another's
  ["./run"] = [[
    shows '^listening' ./run -- --listen 127.0.0.1:0 --database "$ROOT/home/run.db"]],
  ["./run test"] = ":", -- is what runs this
  -- they take a compiler of their own and minutes; ./run test replays what they have kept
  ["./run fuzz"] = ":",
  ["./run fuzz http"] = ":",
  ["./run fuzz http settled"] = ":",
  ["./run fuzz slow"] = ":",
  ["./run fuzz --coverage"] = ":",
  -- they never end
  ["curl -sSN http://127.0.0.1:8787/logs/stream"] =
    [[shows '"type":"connection"' curl -sSN http://127.0.0.1:8787/logs/stream]],
  ["moonledger tail status_code=400-599"] = "shows ' in,' moonledger tail status_code=200-599",
  ["moonledger tail --json model=gpt-4o > calls.ndjson"] =
    "shows '\"connection\"' moonledger tail --json model=gpt-4o",
  -- they listen where somebody else may
  ["moonledger"] = "moonledger check",
  ["moonledger demo"] = "moonledger demo --requests 500 --no-serve",
  ["moonledger init my && cd my && moonledger"] = "moonledger init my && cd my && moonledger check",
  -- spec/notify_spec.lua has receivers
  ["moonledger alerts test ops"] = "! moonledger alerts test ops 2>&1",
}

-- Words that begin a command line.
local commands = {}
for word in ([[./run build/moonledger moonledger curl sudo systemctl docker apt apt-get dpkg npm npx
  pip git export cat sed busted lua5.4 promtool python3 wget]]):gmatch "%S+" do
  commands[word] = true
end

-- What readers of the documents have.
local PREPARE = [[
  mkdir -p "$HOME/.config/moonledger" "$HOME/.claude/projects/moon" /var/log/ccproxy /var/log/nginx
  echo 'return {}' >"$HOME/.config/moonledger/config.lua"
  cp "$TREE"/spec/wire/claude-transcript-*.jsonl "$HOME/.claude/projects/moon"
  cp "$TREE"/spec/wire/ccproxy-0.1.7.ndjson /var/log/ccproxy/old.log
  cp "$TREE"/spec/wire/nginx-1.26.ndjson /var/log/nginx/llm.json.log
  cp "$TREE"/spec/wire/litellm-1.77-spend-logs.json "$HOME/spend.json"
  systemctl start moonledger]]

-- Stand-ins for what only a whole machine has.  systemctl does to a real server what systemd does:
-- the unit's command, its file of variables, its signals.
local stand_ins = {
  sudo = '[ "$1" != -u ] || shift 2; exec "$@"',
  -- ./run test-install runs it in a fresh Debian
  dpkg = '[ "$1" = -i ] && grep -q "dpkg -i" "$TREE/src/dist/test-install.sh"',
  moonledger = 'exec "$BINARY" "$@"',
  -- what would not end, until it has shown a pattern
  shows = [[
    pattern=$1
    shift
    "$@" >"$ROOT/shown" 2>&1 &
    until grep -q "$pattern" "$ROOT/shown"; do kill -0 $! || exit 1; sleep 0.02; done
    kill $!]],
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

local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return port
end

-- The settings that a document shows, together: whole files, or keys of one.
---@return string?
local function settings_of(path)
  local keys = {}
  for _, block in ipairs(documents.blocks(path)) do
    local is_keys = block.language == "lua" and block.text:find "^[%l_]+ = {"
    if is_keys then
      keys[#keys + 1] = block.text
    elseif block.language == "lua" and block.text:find "^return {\n  hosts" then
      keys[#keys + 1] = block.text:match "^return {\n(.*)}\n$"
    end
  end
  return keys[1] and "return {\n" .. table.concat(keys) .. "}\n"
end

-- "" for the program's own help.
local function words_of_commands()
  local words = { "" }
  for _, path in ipairs(helpers.lines_of "ls lua/commands/*.lua") do
    words[#words + 1] = path:match "([%l_]+)%.lua$"
  end
  return words
end

describe("the documents", function()
  local root, tree, port
  local replaced = {} -- lines of instead that stand in a document

  local function shell(script)
    script = script:gsub("/etc/moonledger", root .. "/etc/moonledger")
      :gsub("/var/", root .. "/var/"):gsub("%f[%w_]TELEMETRY%f[^%w_]", "http://127.0.0.1:8787")
      :gsub("127%.0%.0%.1:8787", "127.0.0.1:" .. port)
    helpers.write_file(root .. "/step.sh", "set -eu\n" .. script .. "\n")
    local pipe = assert(io.popen(("cd %s && . %s/env && sh %s/step.sh 2>&1"):format(
      helpers.quote(tree), root, root)))
    local said = pipe:read "a"
    return pipe:close(), said
  end

  -- A line as it runs, and what it is known by in instead: itself, without a remark.
  local function line_as_run(line)
    local command = line:gsub("%s+#.*$", ""):gsub("%s+$", "")
    if instead[command] then
      replaced[command] = true
    end
    local is_build = line:find "^%./run" and not line:find "^%./run sample"
    if is_build and os.getenv "SANITIZE" then
      return ":" -- the other build's
    end
    return instead[command] or line
  end

  local function as_typed(path, block)
    local is_author = path:find "^%.github/" or path:find "^spec/"
    local lines = { (is_author or path == "README.md") and "" or "cd" }
    -- nobody but the operator has the service's settings and tokens
    if is_author or block.section:find "^Several users" then
      lines[#lines + 1] = "unset $(env | sed -n 's/^\\(MOONLEDGER_[A-Z_]*\\)=.*/\\1/p')"
    end
    for line in block.text:gmatch "([^\n]*)\n" do
      lines[#lines + 1] = line_as_run(line)
    end
    return table.concat(lines, "\n")
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
    local fine, said = shell(PREPARE)
    assert(fine, said)
  end)
  lazy_teardown(function()
    shell "systemctl stop moonledger"
    helpers.remove_folder(root)
  end)

  for _, path in ipairs(documents.all()) do
    for i, block in ipairs(documents.blocks(path)) do
      if block.language == "sh" and block.section ~= documents.TOUR then
        it(("do what they say: %s, %s (%d)"):format(path, block.section, i), function()
          local fine, said = shell(as_typed(path, block))
          assert.is_true(fine, block.text .. "\n" .. said)
          assert.is_nil(said:find('"error"', 1, true), said)
        end)
      end
    end
  end

  for _, word in ipairs(words_of_commands()) do
    it("and the help are at one: the examples of moonledger " .. word .. " run", function()
      local help = server.run(word == "" and { "--help" } or { word, "--help" }).stdout
      local examples = help:match "\nExamples:\n(.-)\nExit codes:"
      local script = { "cd" }
      for line in examples:gmatch "%f[^\n%z]  (%l[^\n]*)\n" do
        script[#script + 1] = line_as_run((line:gsub("  +.*$", ""))) -- what it is for may follow
      end
      assert.is_true(#script > 1, help)
      local fine, said = shell(table.concat(script, "\n"))
      assert.is_true(fine, table.concat(script, "\n") .. "\n" .. said)
    end)
  end

  it("have no command line elsewhere, where nothing runs it", function()
    local function look(path, text)
      for line in text:gmatch "[^\n]+" do
        local word = line:match "^%s*%$?%s*([%w./-]+)%f[%s%z]"
        assert.is_nil(commands[word] and line, path)
      end
    end
    for _, path in ipairs(documents.all()) do
      look(path, documents.prose(path))
      for _, block in ipairs(documents.blocks(path)) do
        if block.language ~= "sh" then
          look(path, block.text)
        end
      end
    end
  end)

  it("have all the lines that something else runs instead of", function()
    for line in pairs(instead) do
      assert.is_true(replaced[line], line)
    end
  end)

  it("have settings that are fine", function()
    local seen = 0
    for _, path in ipairs(documents.all()) do
      local text = settings_of(path)
      if text then
        seen = seen + 1
        helpers.write_file(root .. "/home/config.lua", text)
        local said = server.run { "check", root .. "/home/config.lua" }
        assert.same({ 0, "" }, { said.code, said.stderr }, path)
      end
    end
    assert.is_true(seen >= 3, seen)
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
