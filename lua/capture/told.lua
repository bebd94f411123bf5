--- What an API's answer has told of itself.
local values = require "lib.values"

---@class CaptureTold
---@field usage table           members of all usage objects, the latest of each name
---@field id string?            the provider's, of the answer
---@field model string?
---@field tier string?
---@field error_type string?
---@field error_message string?

local told = {}

---@return CaptureTold
function told.new()
  return { usage = {} }
end

--- Names stay what they were where there are no others.
---@param what CaptureTold
---@param id any
---@param model any
function told.take_names(what, id, model)
  what.id = values.text(id) or what.id
  what.model = values.text(model) or what.model
end

--- A later count stands for an earlier one; what is not counted again stays.
---@param what CaptureTold
---@param usage any
function told.merge(what, usage)
  if type(usage) ~= "table" then
    return
  end
  for name, value in pairs(usage) do
    what.usage[name] = value
  end
end

---@param what CaptureTold
---@param problem any  an error object: OpenAI's code says more than HTTP, Google's does not
function told.take_error(what, problem)
  if type(problem) ~= "table" then
    return
  end
  what.error_type = values.first_text(problem.type, problem.status, problem.code)
    or what.error_type
  what.error_message = values.text(problem.message) or what.error_message
end

return told
