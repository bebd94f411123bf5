---@meta config

--- config.lua as it is in force, with its defaults; read-only.  Your own settings
--- stand under config.settings.
---@class Config
---@field version string
---@field features table<string, boolean>
---@field storage table<string, any>
---@field settings table<string, any>
---@field alerts (string|table)[]     lua/alerting/README.md
---@field notify table<string, table>
---@field budgets table[]
---@field routes string[][]
---@field [string] any
local config = {}

--- In config.lua alone: your own routes, and behind them the shipped ones that have
--- another method or path.
---@param own string[][]
---@return string[][]
function defaults(own) end

return config
