--- The files that README.md sends its readers to.
local helpers = require "spec.helpers"

local function exists(path)
  local file = io.open(path)
  if file then
    file:close()
  end
  return file ~= nil
end

describe("README.md", function()
  local text = assert(helpers.read_file "README.md")

  it("links to files that are there", function()
    for path in text:gmatch "%]%(([^):]+)%)" do
      assert.is_true(exists(path), path)
    end
  end)

  it("follows a request through files that are there", function()
    local folder, seen = nil, 0
    for cell in text:match "\n## The path of a request\n(.-)\n## ":gmatch "`([%w_./]+)`" do
      if cell:find "%.[ch]$" or cell:find "%.lua$" or cell:find "/$" then
        folder = cell:match "^(.+/)" or folder
        seen = seen + 1
        assert.is_true(exists(cell) or exists(folder .. cell), cell)
      end
    end
    assert.is_true(seen >= 12)
  end)
end)
