---@meta env

--- For commands: where they run.
local env = {}

---@type string  of the program
env.version = nil

--- config.lua, and how it was found: "--config", "$MOONLEDGER_CONFIG", "looked for", or "built in":
--- there is none, and file is where one would be.
---@type { file: string, how: string }
env.config = nil

--- A variable of the environment.
---@param name string
---@return string?
function env.get(name) end

--- http://HOST:PORT of the server, from config.lua and --listen; raises when config.lua is wrong.
---@return string
function env.server() end

--- Goes on as the program itself with these words, such as { "--database", path, "serve" }; nil and
--- why when that cannot be.
---@param words string[]
---@return nil
---@return string message
function env.become(words) end

--- Unix seconds.
---@return number
function env.now() end

--- Seconds of a clock that nobody sets: for durations.
---@return number
function env.seconds() end

--- The global sleep of commands: nothing else runs meanwhile.
---@param ms number
function env.sleep(ms) end

return env
