--- src/metrics/README.md against the page of a server that has had something to count.
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

-- Families by name, as the README lists them: { kind, labels, help }.
local function listed()
  local families = {}
  local text = assert(helpers.read_file "src/metrics/README.md")
  for name, kind, labels, help in text:gmatch "\n| `([%w_]+)` | (%l+) | ([^|]-) ?| ([^\n]-) |" do
    families[name] = { kind = kind, labels = labels:gsub("[`,]", ""), help = help }
  end
  return families
end

local function without_suffix(name, families)
  local family = name:gsub("_bucket$", ""):gsub("_count$", ""):gsub("_sum$", "")
  return families[name] and name or family
end

-- The same of the page; labels only where a series is there.
local function shown(page)
  local families = {}
  for name, help in page:gmatch "# HELP (%S+) ([^\n]*)" do
    families[name] = { help = help, kind = page:match("# TYPE " .. name .. " (%l+)") }
  end
  for name, labels in ("\n" .. page):gmatch "\n([%a_][%w_]*){([^\n]*)} [^\n]+" do
    local names = {}
    for label in labels:gmatch '([%a_]+)="' do
      names[#names + 1] = label ~= "le" and label or nil
    end
    families[without_suffix(name, families)].labels = table.concat(names, " ")
  end
  return families
end

describe("src/metrics/README.md", function()
  local s, page, readme

  lazy_setup(function()
    s = server.start {
      config = 'table.insert(config.routes, { "GET", "/wrong", "routes.wrong" })',
      files = { ["lua/routes/wrong.lua"] = "return { handle = function() error 'wrong' end }" },
    }
    s:ingest {
      { request_id = "a", tokens_input = 1, cost_usd = 1, duration_ms = 1, status_code = 500 },
    }
    assert.equal(500, s:get("/wrong").status)
    assert.equal(204, s:post("/examples/feedback").status)
    s:signal "HUP"
    page = helpers.eventually(function()
      local text = s:get("/metrics").body
      return text:find("moonledger_reloads_total{", 1, true) and text
    end)
    page, readme = shown(page), listed()
  end)

  lazy_teardown(function()
    s:stop()
  end)

  it("lists every family, with its kind and its help", function()
    for name, family in pairs(page) do
      assert.truthy(readme[name], name)
      assert.same({ name, family.kind, family.help },
        { name, readme[name].kind, readme[name].help })
    end
  end)

  it("lists none that is not there", function()
    for name in pairs(readme) do
      assert.truthy(page[name], name)
    end
  end)

  it("names the labels of each", function()
    local compared = 0
    for name, family in pairs(page) do
      if family.labels then
        compared = compared + 1
        assert.equal(name .. " " .. family.labels, name .. " " .. readme[name].labels)
      end
    end
    assert.is_true(compared >= 9)
  end)
end)
