--- Makes a fixture: the file that a server has written over three runs, so that its ids stand in
--- several segments.  In the folder of the program that shall write it:
---   export LUA_PATH="THIS/?.lua;THIS/?/init.lua;;" MOONLEDGER=build/moonledger
---   lua5.4 THIS/spec/data/files/make.lua OUT.db.gz [CONFIG]
--- CONFIG: Lua that changes `config`; "config.metrics.max_age = 0" where records of another day
--- would not be counted.
local records = require "spec.data.files.records"
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local out = assert(arg[1], "make.lua OUT.db.gz [CONFIG]")
local folder <close> = helpers.folder()
local path = folder.path .. "/fixture.db"
for first = 0, records.count - 1, 10 do
  local s = server.start { database = path, config = arg[2] }
  s:ingest(records.slice(first, first + 9))
  s:stop()
end
assert(os.execute(("gzip -9nc %s > %s"):format(helpers.quote(path), helpers.quote(out))))
