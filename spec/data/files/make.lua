--- Makes a fixture: the file that a server has written over three runs, so that its ids stand in
--- several segments.  In the folder of the program that shall write it:
---   export LUA_PATH="THIS/?.lua;THIS/?/init.lua;;" MOONLEDGER=build/moonledger
---   lua5.4 THIS/spec/data/files/make.lua OUT.db.gz [CONFIG]
--- OUT.tar.gz: with the parts of all its days.
--- CONFIG: Lua that changes `config`; "config.metrics.max_age = 0" where records of another day
--- would not be counted.
local records = require "spec.data.files.records"
local helpers = require "spec.helpers"
local server = require "spec.helpers.server"

local out = assert(arg[1], "make.lua OUT.db.gz [CONFIG]")
local with_parts = out:find "%.tar%.gz$" ~= nil
local config = arg[2] or ""
local seal = config .. "\nconfig.storage.hot_days = 2"
local keep = with_parts and config .. "\nconfig.storage.hot_days = 0" or config
local folder <close> = helpers.folder()
local path = folder.path .. "/fixture.db"
for first = 0, records.count - 1, 10 do
  local s = server.start { database = path, config = keep }
  s:ingest(records.slice(first, first + 9))
  s:stop()
end
if with_parts then
  local s = server.start { database = path, config = seal }
  helpers.eventually(function()
    return select(2, s:log():gsub('msg="a day is sealed"', "")) == records.days
  end)
  s:stop()
  assert(os.execute(("tar -C %s -c fixture.db fixture.cold | gzip -9n > %s"):format(
    folder.path, helpers.quote(out))))
else
  assert(os.execute(("gzip -9nc %s > %s"):format(helpers.quote(path), helpers.quote(out))))
end
