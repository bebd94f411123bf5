--- The spec that lua/README.md shows to authors of scripts, run as they run it.
local helpers = require "spec.helpers"

local function example()
  local text = assert(helpers.read_file "lua/README.md"):match "\n## Testing a route\n(.-)\n## "
  local name, body = text:match "```lua\n%-%- spec/(%S+)\n(.-)```"
  return name, body
end

--- What plain busted prints about a spec with this text, and whether it was content.
local function run(name, text)
  local folder <close> = helpers.folder()
  helpers.write_file(folder.path .. "/" .. name, text)
  local pipe = assert(io.popen("env -u RESULTS busted " .. folder.path .. "/" .. name .. " 2>&1"))
  local output = pipe:read "a"
  return output, pipe:close()
end

describe("the spec in lua/README.md", function()
  local name, text = example()

  it("passes", function()
    local output, passed = run(name, text)
    assert.truthy(output:find("1 success / 0 failures / 0 errors", 1, true), output)
    assert.is_true(passed, output)
  end)

  it("fails where the route answers something else", function()
    local wrong, replaced = text:gsub("count = 1 }", "count = 2 }")
    assert.equal(1, replaced)
    local output, passed = run(name, wrong)
    assert.truthy(output:find("0 successes / 1 failure / 0 errors", 1, true), output)
    assert.is_nil(passed)
  end)
end)
