--- The documents, and what they tell their readers to type.
local helpers = require "spec.helpers"

-- TOUR: the section of README.md whose lines say what they answer.
local documents = { TOUR = "Change something" }

--- Paths of all of them, sorted.
---@return string[]
function documents.all()
  return helpers.lines_of [[find . -name '*.md' -not -path '*/node_modules/*' \
    -not -path './build*' -not -path './data/*' | sed 's|^\./||' | sort]]
end

---@class Block
---@field section string    the heading above
---@field language string   "" where the fence has none
---@field text string       its lines, each with its end

--- What stands between fences, from the first to the last.
---@param path string
---@return Block[]
function documents.blocks(path)
  local found, section, block, lines = {}, "", nil, {}
  for line in assert(helpers.read_file(path), path):gmatch "([^\n]*)\n" do
    local language = line:match "^```(%w*)$"
    if block and language then
      block.text, block, lines = table.concat(lines), nil, {}
    elseif block then
      lines[#lines + 1] = line .. "\n"
    elseif language then
      block = { section = section, language = language }
      found[#found + 1] = block
    else
      section = line:match "^#+ (.*)$" or section
    end
  end
  return found
end

--- A document without what stands between fences.
---@param path string
---@return string
function documents.prose(path)
  return (("\n" .. helpers.read_file(path)):gsub("\n```.-\n```", "\n"))
end

return documents
