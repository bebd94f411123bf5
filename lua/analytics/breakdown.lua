--- service_type_breakdown, model_breakdown: the same figures for each value of a column.
local figures = require "analytics.figures"

local breakdown = {}

local function figures_of(group)
  local shape = figures.part(group)
  shape.avg_duration_ms = figures.average_ms(group)
  return figures.with_quantiles(shape, group)
end

--- Rows where the column is empty have no line; they count in the summary.
---@param groups Group[]
---@param column string
---@return table<string, table>
function breakdown.shape(groups, column)
  local shape = {}
  for _, group in ipairs(groups) do
    if group[column] ~= "" then
      shape[group[column]] = figures_of(group)
    end
  end
  return shape
end

return breakdown
