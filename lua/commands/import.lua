--- moonledger import: logs and transcripts into the running server, or into its file when none
--- runs.
local destination = require "lib.destination"
local file = require "file"
local plain = require "lib.plain"
local progress = require "lib.progress"
local term = require "term"

local max_depth = 32

local suffixes = { ".jsonl", ".ndjson", ".json", ".log" }

local function is_log(name)
  name = name:gsub("%.gz$", ""):gsub("%.zst$", "")
  for _, suffix in ipairs(suffixes) do
    if #name > #suffix and name:sub(-#suffix) == suffix then
      return true
    end
  end
  return false
end

local function add_below(found, folder, depth)
  local entries, why = file.list(folder)
  if not entries then
    return nil, why
  end
  table.sort(entries, function(a, b) return a.name < b.name end)
  for _, entry in ipairs(entries) do
    local path = folder .. "/" .. entry.name
    if entry.kind == "folder" and depth < max_depth then
      local ok, fault = add_below(found, path, depth + 1)
      if not ok then
        return nil, fault
      end
    elseif entry.kind == "file" and is_log(entry.name) then
      found[#found + 1] = { path = path, bytes = entry.bytes }
    end
  end
  return true
end

local function add(found, path)
  if path == "-" then
    found[#found + 1] = { path = path, bytes = 0 }
    return true
  end
  local stat, why = file.stat(path)
  if not stat then
    return nil, why
  elseif stat.kind == "folder" then
    return add_below(found, path, 1)
  end
  found[#found + 1] = { path = path, bytes = stat.bytes }
  return true
end

--- What the command line names, in order; a folder stands for the logs below it, by name.
local function find(paths)
  local found = {}
  for _, path in ipairs(paths) do
    local ok, why = add(found, path)
    if not ok then
      return nil, why
    end
  end
  return found
end

---@class Run
---@field importer Importer
---@field format string
---@field target table
---@field lines string[]   that wait until they are worth a request
---@field waiting integer  bytes of them
---@field counts { accepted: integer, merged: integer, rejected: integer }

---@param run Run
local function flush(run)
  local text = table.concat(run.lines)
  run.lines, run.waiting = {}, 0
  return destination.send(run.target, text, run.counts)
end

---@param run Run
local function send(run, lines)
  run.lines[#run.lines + 1] = lines
  run.waiting = run.waiting + #lines
  return run.waiting < destination.send_bytes or flush(run)
end

local function read_file(run, entry, bar)
  local reader <close>, why = file.open(entry.path)
  if not reader then
    return nil, why
  end
  run.importer:open(entry.path, run.format)
  local piece, fault = reader:read()
  while piece do
    local ok, refused = send(run, run.importer:feed(piece))
    if not ok then
      return nil, refused
    end
    bar:update(run.bytes_before + reader:offset(), run.counts.accepted + run.counts.merged)
    piece, fault = reader:read()
  end
  if fault then
    return nil, entry.path .. ": " .. fault
  end
  run.bytes_before = run.bytes_before + entry.bytes
  return send(run, run.importer:close())
end

local function read_all(run, files, bar)
  for _, entry in ipairs(files) do
    local ok, why = read_file(run, entry, bar)
    if not ok then
      return nil, why
    end
  end
  local ok, why = send(run, run.importer:finish())
  if not ok then
    return nil, why
  end
  return flush(run)
end

-- Whether something was taken, where there was something.
local function summarise(run, files, seconds)
  local rejected, complaints = run.importer:rejected()
  local counts = run.counts
  for _, complaint in ipairs(complaints) do
    term.error(plain(complaint))
  end
  print(("%s: %d records from %d files in %.1f s: %d new, %d known already, %d rejected"):format(
    run.target.name, counts.accepted + counts.merged, #files, seconds, counts.accepted,
    counts.merged, counts.rejected + rejected))
  local unknown = run.importer:unknown()
  if unknown > 0 then
    print(("%d of the files: no request in it that is known here"):format(unknown))
  end
  return counts.accepted + counts.merged > 0
    or counts.rejected + rejected == 0 and unknown < #files
end

return {
  summary = "Reads logs and transcripts into the store.",
  description = [[
Reads records, logs and transcripts, also packed by gzip or zstd: into the running server, or
straight into the database when none runs.  What is there already stays as it is: running it again
adds nothing.  CSV is not read: what comes back is GET /logs/export?format=ndjson.]],
  arguments = "FILE|DIR|-...",
  options = {
    { "format", "NAME", "auto, access_log, ccproxy, claude, codex, gemini, litellm, ndjson or qwen",
      default = "auto" },
    { "url", "URL", "of the server: http://HOST:PORT (that of the config)" },
    { "token", "TOKEN", "with scope ingest", env = "MOONLEDGER_INGEST_TOKEN" },
  },
  exits = { [0] = "records were taken; lines that were not are told" },
  examples = {
    { "moonledger import ~/.claude/projects", "every transcript below" },
    { "moonledger import --format access_log - < /var/log/nginx/llm.json.log",
      "lines of standard input" },
  },

  ---@param args Arguments
  run = function(args)
    local files, why = find(args)
    if not files then
      return nil, why
    end
    local import = require "ingest.import"
    local known, unknown = import.knows(args.format)
    if not known then
      return 2, unknown
    end
    local target, fault = destination.open(args)
    if not target then
      return nil, fault
    end
    local _ <close> = target.store
    local bytes = 0
    for _, entry in ipairs(files) do
      bytes = bytes + entry.bytes
    end
    local bar = progress.start(bytes)
    local run = {
      importer = import.new(), format = args.format, target = target, lines = {}, waiting = 0,
      bytes_before = 0, counts = { accepted = 0, merged = 0, rejected = 0 },
    }
    local ok, wrong = read_all(run, files, bar)
    local taken = summarise(run, files, bar:finish())
    if not (ok and taken) then
      return nil, wrong or "nothing of it could be taken"
    end
    return 0
  end,
}
