--- Counts what there is to test with: lua5.4 spec/count.lua
local function lines_of(command)
  local lines = {}
  local pipe = assert(io.popen(command))
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  pipe:close()
  return lines
end

local function files(where, name)
  return lines_of(("find %s -name '%s' -not -path '*/node_modules/*' | sort"):format(where, name))
end

-- How often a pattern stands in files.
local function count(paths, pattern)
  local n = 0
  for _, path in ipairs(paths) do
    local file = assert(io.open(path))
    n = n + select(2, ("\n" .. file:read "a"):gsub(pattern, ""))
    file:close()
  end
  return n
end

local function row(n, what)
  print(("%6d  %s"):format(n, what))
end

local specs, c_tests = files("spec", "*_spec.lua"), files("spec/c", "*_test.c")
local fuzzers = files("spec/fuzz", "fuzz_*.c")
row(#specs, "spec files")
row(count(specs, "\n *it%("), "behaviours in them, tables of cases counted as one")
row(#c_tests, "programs that test C by itself")
row(count(c_tests, "\nstatic void test_"), "functions in those")
row(#fuzzers, "fuzzers")
row(#files("spec/wire", "*.*"), "bodies of senders")
row(#files("spec/bench", "*.lua"), "files of measurements")
row(count(files("src", "*.[ch]"), "\n"), "lines of C that all this is about")
row(count(files("lua", "*.lua"), "\n"), "and lines of Lua")
row(count(files("spec", "*.lua"), "\n"), "lines of specs")
