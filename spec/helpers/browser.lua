--- The cases of one spec/browser/*.mjs in Chromium, as specs: they start servers,
--- drive the page and answer a line each.
local json = require "spec.helpers.json"

local function lines_of(command)
  local lines, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  pipe:close()
  return lines
end

---@param file string  its name without .mjs
---@param lazy_setup function  busted's, which modules do not see; setup would run them all
---                            where busted is asked for none of them
---@param it function          as well
return function(file, lazy_setup, it)
  local run = "node spec/browser/run.mjs " .. file
  local results = {}

  lazy_setup(function()
    for _, line in ipairs(lines_of(run)) do
      local result, name, why = line:match "^(%a+)\t([^\t]+)\t?(.*)$"
      results[name or line] = result == "ok" and "ok" or why
    end
  end)

  for _, name in ipairs(lines_of(run .. " --list")) do
    it(name, function()
      local result = results[name] or '"did not run"'
      assert(result == "ok", result ~= "ok" and json.decode(result) or nil)
    end)
  end
end
