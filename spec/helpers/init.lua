--- What specs share that is not about a running server.
local socket = require "socket"

--- SECONDS: how long a spec waits for what must happen.  It ends the wait for what
--- never comes and is no bar: long enough for a slow machine with other things to
--- do.
local helpers = { SECONDS = 60 }

--- Calls condition until it answers something true, and returns that.  Fails after helpers.SECONDS.
---@param condition fun(): any
function helpers.eventually(condition)
  local deadline = socket.gettime() + helpers.SECONDS
  repeat
    local result = condition()
    if result then
      return result
    end
    socket.sleep(0.002)
  until socket.gettime() > deadline
  error("the condition did not come true in " .. helpers.SECONDS .. " s", 2)
end

--- What both tables say; where they differ, the second.
---@param base table
---@param more table
---@return table
function helpers.with(base, more)
  local both = {}
  for _, from in ipairs { base, more } do
    for key, value in pairs(from) do
      both[key] = value
    end
  end
  return both
end

---@param text string
function helpers.quote(text)
  return "'" .. tostring(text):gsub("'", [['\'']]) .. "'"
end

--- What a shell command prints, line by line.
---@param command string
---@return string[]
function helpers.lines_of(command)
  local lines = {}
  local pipe = assert(io.popen(command))
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  pipe:close()
  return lines
end

---@param path string
---@return string? bytes  nil when there is no such file
function helpers.read_file(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local bytes = file:read "a"
  file:close()
  return bytes
end

---@param path string
---@param bytes string
function helpers.write_file(path, bytes)
  local file = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  assert(file:close())
end

--- A new folder; whoever made it removes it.
function helpers.temporary_folder()
  local pipe = assert(io.popen "mktemp -d /tmp/moonledger.XXXXXX")
  local folder = pipe:read "l"
  pipe:close()
  return assert(folder, "mktemp failed")
end

---@param folder string  from temporary_folder
function helpers.remove_folder(folder)
  assert(folder:match "^/tmp/moonledger%.%w+$", folder)
  os.execute("rm -rf " .. folder)
end

--- The same for a local variable: `local folder <close> = helpers.folder()` and folder.path.
function helpers.folder()
  return setmetatable({ path = helpers.temporary_folder() }, {
    __close = function(self) helpers.remove_folder(self.path) end,
  })
end

local function filter(command, bytes)
  local path = os.tmpname()
  helpers.write_file(path, bytes)
  local pipe = assert(io.popen(command .. " < " .. path, "r"))
  local result = pipe:read "a"
  pipe:close()
  os.remove(path)
  return result
end

function helpers.gzip(bytes)
  return filter("gzip -c", bytes)
end

function helpers.gunzip(bytes)
  return filter("gzip -dc", bytes)
end

--- One of zstd's frames (RFC 8878, 3.1) with the bytes as they are; two may follow each other.
function helpers.zstd(bytes)
  local blocks, longest = {}, 100000
  for from = 1, #bytes, longest do
    local block = bytes:sub(from, from + longest - 1)
    local is_last = from + longest > #bytes and 1 or 0
    blocks[#blocks + 1] = string.pack("<I3", #block << 3 | is_last) .. block
  end
  return "\x28\xB5\x2F\xFD" .. "\0\x50" .. table.concat(blocks)
end

return helpers
