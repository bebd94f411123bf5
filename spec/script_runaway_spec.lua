--- Scripts that run away cost their own request and nothing else.
local runaway = require "spec.helpers.runaway"

for workers = 1, 2 do
  describe("a script that runs away, with " .. workers .. " loops", function()
    local short, long
    lazy_setup(function()
      short = runaway.start(workers, runaway.SHORT)
      long = runaway.start(workers, runaway.LONG)
    end)
    lazy_teardown(function()
      short:stop()
      long:stop()
    end)

    local function costs_its_own_request(s, path, status, words)
      local before = #s:log()
      local response = s:get(path)
      assert.equal(status, response.status)
      assert.equal("string", type(response.json().detail))
      local line = s:log():sub(before + 1)
      assert.truthy(line:find(words, 1, true), line)
      assert.truthy(line:find("request_id=" .. response.headers["x-request-id"], 1, true), line)
      assert.same({ calm = true }, s:get("/calm").json())
    end

    for _, case in ipairs(runaway.CASES) do
      local name, status, words = table.unpack(case)
      it("costs its own request: " .. name, function()
        costs_its_own_request(status == 503 and short or long, "/runaway/" .. name, status, words)
      end)
    end

    it("costs its own request: waits for ever", function()
      costs_its_own_request(short, "/waits", 503, "took too long")
    end)

    it("keeps its memory only as long as it runs", function()
      for _ = 1, 6 do
        assert.equal(500, long:get("/runaway/growing_table").status)
        assert.equal(200, long:get("/calm").status)
      end
    end)
  end)
end
