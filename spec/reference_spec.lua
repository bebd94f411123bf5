--- The examples of lua/README.md, each as the route file that it says it is.
local server = require "spec.helpers.server"

local function blocks()
  local file = assert(io.open "lua/README.md")
  local text = file:read "a"
  file:close()
  local found = {}
  for method, target, body in text:gmatch "```lua\n%-%- (%u+) (%S+)\n(.-)```" do
    found[#found + 1] = { method = method, target = target, body = body }
  end
  return found
end

describe("the reference of lua/README.md", function()
  local s
  local examples = blocks()

  lazy_setup(function()
    local files, routes = {}, {}
    for i, example in ipairs(examples) do
      files[("lua/routes/reference_%d.lua"):format(i)] = example.body
      routes[i] = ('table.insert(config.routes, { %q, %q, "routes.reference_%d" })')
        :format(example.method, example.target:match "^[^?]+", i)
    end
    s = server.start { config = table.concat(routes, "\n"), files = files }
    s:ingest {
      { request_id = "a", model = "m", status_code = 200, user_agent = "curl", cost_usd = 1 },
      { request_id = "b", model = "m", status_code = 500, user_agent = "curl" },
    }
  end)

  lazy_teardown(function()
    s:stop()
  end)

  it("has examples", function()
    assert.is_true(#examples >= 8)
  end)

  for _, example in ipairs(examples) do
    it("answers " .. example.target, function()
      local answer = s:request { method = example.method, path = example.target }
      assert.is_true(answer.status == 200 or answer.status == 204, answer.body)
    end)
  end

  it("answers what the text says", function()
    assert.same({ greeting = "Hello, Moon! " }, s:get("/reference/greeting?name=Moon").json())
    assert.same({ count = 1, newest = { "b" } }, s:get("/reference/failures").json())
    assert.same({ agents = { { user_agent = "curl", requests = 1 } } },
      s:get("/reference/sql").json())
    assert.equal("m", s:get("/reference/figures").json().models[1].model)
  end)
end)
