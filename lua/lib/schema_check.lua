--- Checks what lua/schema.lua returns and brings it into the plain arrays that the core
--- compiles.  Run by the core from the program itself, in a state of its own with a copy of the
--- table: a file of the user's of this name is not read.
local members = require "lib.schema_check.members"
local read_columns = require "lib.schema_check.columns"
local read_cost = require "lib.schema_check.cost"
local read_events = require "lib.schema_check.events"
local read_families = require "lib.schema_check.families"
local read_stream = require "lib.schema_check.stream"
local read_sums = require "lib.schema_check.sums"

local top_keys =
  members.keys("columns", "event_keys", "events", "cost", "measures", "sketches", "rollups",
    "families", "stream")

--- Raises "schema.lua: where: what is wrong, what was expected".
---@param schema any       what lua/schema.lua returned
---@param most table<string, integer>  the limits of the core
---@return table
return function(schema, most)
  if type(schema) ~= "table" then
    members.fail("it", "must return a table")
  end
  members.refuse_unknown("it", schema, top_keys)
  for key, value in pairs(most) do
    members.limits[key] = value
  end
  read_columns(schema)
  read_events(schema)
  read_cost(schema)
  read_sums(schema)
  read_families(schema)
  read_stream(schema)
  return members.checked
end
