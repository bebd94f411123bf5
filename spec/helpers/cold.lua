--- Servers whose closed days become parts, and which can be asked in SQL.
local server = require "spec.helpers.server"

local cold = {}

local SQL = [[
local json = require "json"
local storage = require "storage"
return {
  summary = "Runs SQL.",
  handle = function(req)
    local rows, message = storage.sql(tostring(req.body))
    return rows and { json = json.array(rows) } or { status = 400, detail = message }
  end,
}
]]

-- Questions may take longer than usual: under a sanitizer, beside others.
local CONFIG = [[
config.storage.hot_days = %d
config.storage.query_deadline_ms = 60000
table.insert(config.routes, { "POST", "/sql", "routes.sql" })
]]

---@param database string
---@param hot_days integer
---@param schema string?  instead of lua/schema.lua
function cold.start(database, hot_days, schema)
  return server.start {
    database = database, config = CONFIG:format(hot_days),
    files = { ["lua/routes/sql.lua"] = SQL, ["lua/schema.lua"] = schema },
  }
end

---@return table[] rows
function cold.sql(s, text)
  local response = s:post("/sql", text)
  assert(response.status == 200, response.body)
  return response.json()
end

return cold
