--- What a filter could be given: the values of a column, most used first.
local fields = require "lib.fields"
local filters = require "lib.filters"
local needs_storage = require "lib.needs_storage"
local params = require "lib.params"
local storage = require "storage"
local values_of = later "analytics.values"
local window = later "lib.window"

local TEXTS = {}
for _, name in ipairs(storage.columns "texts") do
  TEXTS[name] = true
end

return {
  summary = "The values of a column, most used first.",
  feature = "logs_endpoints_enabled",
  needs = "storage",
  params = filters.params {
    field = fields.keys_param(1, { required = true, description = "A column." }),
    prefix = params.string { default = "", description = "How the values of a text begin." },
    limit = params.integer { default = 50, ge = 1, le = 1000,
      description = "Most values to answer." },
  },

  ---@param req Request
  ---@return Response
  handle = function(req)
    local values = req.params
    local where, field = filters.where(values), values.field[1]
    if values.prefix ~= "" and not TEXTS[field] then
      return params.refuse("prefix", values.prefix, "value_error",
        ("Input should be left out: %s is no text"):format(field))
    elseif values.prefix ~= "" then
      where[#where + 1] = { field, "prefix", values.prefix }
    end
    local groups, message, reason = storage.aggregate {
      where = where, by = { field }, measures = { "requests" }, order_by = "requests",
      descending = true,
      limit = values.limit + values_of.EXTRA,
    }
    if not groups then
      return needs_storage.failed(message, reason)
    end
    return {
      json = { values = values_of.shape(groups, field, values.limit),
        window = window.used(values, groups), exact = groups.exact },
    }
  end,
}
