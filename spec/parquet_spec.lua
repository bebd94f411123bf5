--- Parquet files of ours, read by readers that are not: DuckDB and hyparquet.
local helpers = require "spec.helpers"

local HAS_READERS = helpers.read_file "spec/node_modules/hyparquet/package.json" ~= nil
local WRITER = (os.getenv "MOONLEDGER" or "build/moonledger"):gsub("[^/]+$", "parquet_test")

local function read_by_others(folder)
  return helpers.lines_of("node spec/clients/parquet.js " .. folder .. " 2>&1")
end

describe("a Parquet file of ours", function()
  it("has the same values for DuckDB and for hyparquet", function()
    if not HAS_READERS or not helpers.read_file(WRITER) then
      return pending "npm ci --prefix spec has not run, or the C tests are not built"
    end
    local folder <close> = helpers.folder()
    assert.is_true(os.execute(WRITER .. " " .. folder.path .. " >/dev/null"))
    assert.same({ "6 files" }, read_by_others(folder.path))

    local wrong <close> = helpers.folder()
    os.rename(folder.path .. "/one.parquet", wrong.path .. "/one.parquet")
    local values = helpers.read_file(folder.path .. "/one.tsv"):gsub("%d\t", "7\t", 1)
    helpers.write_file(wrong.path .. "/one.tsv", values)
    local complaints = table.concat(read_by_others(wrong.path), "\n")
    assert.truthy(complaints:find("one.parquet: DuckDB, row 0", 1, true), complaints)
    assert.truthy(complaints:find("one.parquet: hyparquet, row 0", 1, true), complaints)
  end)
end)
