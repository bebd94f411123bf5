--- A table for a terminal, with lines around its cells as ccusage draws them.
local cell_text = require "lib.cell"
local plain = require "lib.plain"

local text_table = {}

local function width(text)
  return utf8.len(text) or #text
end

local function pad(text, wanted, right)
  local blanks = (" "):rep(wanted - width(text))
  return right and blanks .. text or text .. blanks
end

local function lines_of(cell)
  local lines = {}
  for line in (cell .. "\n"):gmatch "([^\n]*)\n" do
    lines[#lines + 1] = cell_text(line)
  end
  return lines
end

local function rule(widths, left, middle, right)
  local parts = {}
  for i, w in ipairs(widths) do
    parts[i] = ("─"):rep(w + 2)
  end
  return left .. table.concat(parts, middle) .. right
end

---@class TextColumn
---@field [1] string    its head
---@field right boolean?  numbers stand at the right

-- The lines of a row; its cells may have several.
local function draw(cells, columns, widths, out)
  local height, split = 1, {}
  for i in ipairs(columns) do
    split[i] = lines_of(cells[i] or "")
    height = math.max(height, #split[i])
  end
  for line = 1, height do
    local parts = {}
    for i, column in ipairs(columns) do
      parts[i] = " " .. pad(split[i][line] or "", widths[i], column.right) .. " "
    end
    out[#out + 1] = "│" .. table.concat(parts, "│") .. "│"
  end
end

---@param columns TextColumn[]
---@param rows string[][]  a cell may have several lines, each as wide as lib.cell lets it be
---@param total string[]?  a last row, apart
---@return string
function text_table.draw(columns, rows, total)
  local widths, head, out = {}, {}, {}
  for i, column in ipairs(columns) do
    widths[i], head[i] = width(column[1]), column[1]
  end
  local all = table.move(rows, 1, #rows, 1, {})
  all[#all + 1] = total
  for _, cells in ipairs(all) do
    for i in ipairs(columns) do
      for _, line in ipairs(lines_of(cells[i] or "")) do
        widths[i] = math.max(widths[i], width(line))
      end
    end
  end
  out[1] = rule(widths, "┌", "┬", "┐")
  draw(head, columns, widths, out)
  out[#out + 1] = rule(widths, "├", "┼", "┤")
  for _, cells in ipairs(rows) do
    draw(cells, columns, widths, out)
  end
  if total then
    out[#out + 1] = rule(widths, "├", "┼", "┤")
    draw(total, columns, widths, out)
  end
  out[#out + 1] = rule(widths, "└", "┴", "┘")
  return table.concat(out, "\n")
end

-- As src/record/csv.c: what a spreadsheet would compute, behind blanks of both widths.
local function is_formula(cell)
  local seen = cell:gsub("\u{3000}", " "):match "^ *(.*)"
  return not tonumber(cell) and (seen:find "^[=+@-]" or seen:find "^\xEF\xBC[\x8B\x8D\x9D\xA0]")
end

local function quote(cell)
  cell = plain((cell:gsub("\n", ", ")))
  cell = (is_formula(cell) and "'" or "") .. cell
  return cell:find '[",\r]' and '"' .. cell:gsub('"', '""') .. '"' or cell
end

--- The same as CSV (RFC 4180).
---@param columns TextColumn[]
---@param rows string[][]
---@return string
function text_table.csv(columns, rows)
  local head, lines = {}, {}
  for i, column in ipairs(columns) do
    head[i] = column[1]
  end
  for i = 0, #rows do
    local cells = {}
    for j in ipairs(columns) do
      cells[j] = quote((i == 0 and head or rows[i])[j] or "")
    end
    lines[#lines + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\r\n") .. "\r\n"
end

return text_table
