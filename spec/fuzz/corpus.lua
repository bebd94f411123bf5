--- The kept inputs of a fuzzer, one a line, in spec/fuzz/corpus/NAME:
---   lua5.4 spec/fuzz/corpus.lua unpack NAME FOLDER   a file for each
---   lua5.4 spec/fuzz/corpus.lua pack NAME FOLDER     and back
---   lua5.4 spec/fuzz/corpus.lua lines REACHED FILE ..
--- The last: how much of Lua files is among the lines of REACHED (fuzz_lua.h).
local names = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\" }
local bytes = { n = "\n", r = "\r", t = "\t", ["\\"] = "\\" }

local function escape(s)
  return (s:gsub("[^ -%[%]-~]", function(c)
    return names[c] or ("\\x%02x"):format(c:byte())
  end))
end

local function unescape(line)
  return (line:gsub("\\(x?)(%x?.)", function(x, rest)
    if x == "x" then
      return string.char(tonumber(rest, 16))
    end
    return bytes[rest:sub(1, 1)] .. unescape(rest:sub(2))
  end))
end

local function path_of(name)
  return "spec/fuzz/corpus/" .. name
end

local function files_in(folder)
  local pipe, paths = assert(io.popen(("find '%s' -type f"):format(folder))), {}
  for path in pipe:lines() do
    paths[#paths + 1] = path
  end
  pipe:close()
  return paths
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local commands = {}

function commands.unpack(name, folder)
  local file = io.open(path_of(name), "r")
  local number = 0
  for line in file and file:lines() or function() end do
    number = number + 1
    write(("%s/kept-%04d"):format(folder, number), unescape(line))
  end
end

function commands.pack(name, folder)
  local lines = {}
  for i, path in ipairs(files_in(folder)) do
    lines[i] = escape(read(path))
  end
  table.sort(lines, function(a, b)
    return #a < #b or #a == #b and a < b
  end)
  write(path_of(name), table.concat(lines, "\n") .. "\n")
  print(("%s: %d inputs"):format(path_of(name), #lines))
end

-- The lines that have code, by luac's listing.
local function lines_of(path)
  local pipe, lines = assert(io.popen(("luac5.4 -l -p '%s'"):format(path))), {}
  for row in pipe:lines() do
    local line = row:match("^%s+%d+%s+%[(%d+)%]")
    -- what begins every file and ends every function is on no line of its own
    if line and not row:find("VARARGPREP") and not row:find("RETURN0") then
      lines[tonumber(line)] = true
    end
  end
  pipe:close()
  return lines
end

function commands.lines(reached_path, ...)
  local reached = {}
  for row in io.lines(reached_path) do
    reached[row] = true
  end
  for _, path in ipairs { ... } do
    local all, hit, missed = 0, 0, {}
    for line in pairs(lines_of(path)) do
      all = all + 1
      if reached[("@%s:%d"):format(path, line)] then
        hit = hit + 1
      else
        missed[#missed + 1] = line
      end
    end
    table.sort(missed)
    print(("%-42s %5d lines  %6.2f%%  %s"):format(path, all, 100 * hit / all,
      table.concat(missed, " ", 1, math.min(#missed, 12))))
  end
end

commands[arg[1]](table.unpack(arg, 2))
