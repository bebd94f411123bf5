--- The page in Chromium: spec/browser/*.mjs start servers, drive the page and answer a line per case.
local json = require "spec.helpers.json"

local RUN = "node spec/browser/run.mjs "

local function lines_of(command)
  local lines, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  return lines, pipe:close()
end

describe("the dashboard in a browser", function()
  local results = {}

  setup(function()
    for _, line in ipairs((lines_of(RUN))) do
      local result, name, why = line:match "^(%a+)\t([^\t]+)\t?(.*)$"
      results[name or line] = result == "ok" and "ok" or why
    end
  end)

  for _, name in ipairs((lines_of(RUN .. "--list"))) do
    it(name, function()
      local result = results[name] or '"did not run"'
      assert(result == "ok", result ~= "ok" and json.decode(result) or nil)
    end)
  end
end)
