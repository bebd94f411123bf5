--- README.md's "Change something", line by line, in a copy of the tree.
local documents = require "spec.helpers.documents"
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local BINARY = helpers.quote(os.getenv "MOONLEDGER" or "build/moonledger")

-- The scripts of its blocks.
local function blocks()
  local found = {}
  for _, block in ipairs(documents.blocks "README.md") do
    if block.section == documents.TOUR then
      found[#found + 1] = block.text
    end
  end
  return found
end

-- Steps of a block: a line whose "#" tells what it answers, or the script that the
-- lines between such are. What is asked behind "sleep 1" may wait for a reload.
local function steps(block)
  local found, script, may_wait = {}, {}, false
  local function finish()
    found[#found + 1] = { script = table.concat(script, "\n") }
    script = {}
  end
  for line in block:gmatch "([^\n]*)\n" do
    local command, expected = line:match "^(.-)   # (.+)$"
    if command then
      finish()
      found[#found + 1] = { script = command, expected = expected, may_wait = may_wait }
    elseif line == "sleep 1" then
      may_wait = true
    else
      script[#script + 1] = line
    end
  end
  finish()
  return found
end

describe("the tour of README.md", function()
  local s, root

  local function shell(script)
    script = script:gsub("http://127%.0%.0%.1:8787", s.url)
      :gsub("build/moonledger", root .. "/" .. BINARY)
      :gsub("%./run sample", root .. "/run sample")
    helpers.write_file(s.root .. "/step.sh", "cd " .. s.root .. "\n" .. script .. "\n")
    local pipe = assert(io.popen("sh " .. s.root .. "/step.sh 2>&1"))
    local output = pipe:read "a"
    return output, pipe:close()
  end

  lazy_setup(function()
    root = helpers.lines_of("pwd")[1]
    s = server.start { config = "" }
    -- A tree as git has it, for the step that goes back.
    assert(select(2, shell(([[
      cp %s/config.lua . && ln -s %s/spec spec && git init -q && git add config.lua lua
      git -c user.name=spec -c user.email=spec@localhost commit -qm tour]]):format(root, root))))
  end)

  lazy_teardown(function()
    s:stop()
  end)

  it("begins with records that /metrics shows", function()
    local answer = shell(blocks()[1])
    assert.truthy(answer:find('"accepted":371', 1, true), answer)
    local page = s:get("/metrics").body
    assert.truthy(page:find "\nccproxy_requests_total{[^\n]*} [1-9]")
    assert.truthy(page:find "\nccproxy_cost_usd_total{[^\n]*} %d*%.?%d*[1-9]")
  end)

  it("does what it says", function()
    local expectations = 0
    for _, block in ipairs(blocks()) do
      for _, step in ipairs(steps(block)) do
        local output, ok
        if step.expected then
          expectations = expectations + 1
          local function ask()
            output = shell(step.script)
            return output:find(step.expected, 1, true)
          end
          local seen = ask() or step.may_wait and pcall(helpers.eventually, ask)
          assert.truthy(seen, step.script .. "\n" .. output .. "\n" .. s:log())
        else
          output, ok = shell(step.script)
          assert.is_true(ok, step.script .. "\n" .. output)
        end
      end
    end
    assert.is_true(expectations >= 12)
  end)
end)
