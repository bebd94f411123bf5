--- moonledger collect: the sessions that coding agents keep on this machine, into the running
--- server or its file; with --follow as they grow.
local agent_files = require "lib.agent_files"
local destination = require "lib.destination"
local file = require "file"
local import = require "ingest.import"
local plain = require "lib.plain"
local progress = require "lib.progress"
local term = require "term"

---@class Collecting
---@field to Destination
---@field done Collected
---@field importer Importer
---@field bar Bar
---@field bytes integer      of the files that are done
---@field lines string[]     that wait until they are worth a request,
---@field waiting integer    their bytes,
---@field files AgentFile[]  and those that they are from
---@field counts table<string, integer>

-- A line that is still being written comes with the next look.
local function whole_lines(entry, piece)
  return entry.path:find "%.jsonl$" and (piece:match "^.*\n" or "") or piece
end

local function convert(importer, entry)
  local reader <close>, why = file.open(entry.path)
  if not reader then
    return nil, why
  end
  local lines = {}
  importer:open(entry.path, entry.agent)
  local piece, fault = reader:read()
  while piece do
    lines[#lines + 1] = importer:feed(whole_lines(entry, piece))
    piece, fault = reader:read()
  end
  lines[#lines + 1] = importer:close()
  lines[#lines + 1] = importer:finish()
  return not fault and table.concat(lines), fault and entry.path .. ": " .. fault
end

-- What is sent is noted: a run that is broken off goes on behind it.
---@param run Collecting
local function flush(run)
  local ok, why = destination.send(run.to, table.concat(run.lines), run.counts)
  if ok then
    ok, why = run.done:note(run.to.name, run.files)
  end
  run.lines, run.waiting, run.files = {}, 0, {}
  return ok, why
end

---@param run Collecting
local function collect_file(run, entry)
  local text, why = convert(run.importer, entry)
  if not text then
    term.error(why)
    return true
  end
  run.lines[#run.lines + 1], run.files[#run.files + 1] = text, entry
  run.waiting, run.bytes = run.waiting + #text, run.bytes + entry.bytes
  run.bar:update(run.bytes, run.counts.accepted + run.counts.merged)
  return run.waiting < destination.send_bytes or flush(run)
end

local function collect_all(run, entries)
  for _, entry in ipairs(entries) do
    local ok, why = collect_file(run, entry)
    if not ok then
      return nil, why
    end
  end
  return flush(run)
end

local function changed(done, to, found, again)
  local entries, bytes = {}, 0
  for _, entry in ipairs(found) do
    if again or not done:has(to.name, entry) then
      entries[#entries + 1], bytes = entry, bytes + entry.bytes
    end
  end
  return entries, bytes
end

local function tell(run, entries, seconds)
  local counts = run.counts
  local rejected, complaints = run.importer:rejected()
  for _, complaint in ipairs(complaints) do
    term.error(plain(complaint))
  end
  print(("%s: %d files in %.1f s: %d new, %d known already, %d rejected"):format(run.to.name,
    #entries, seconds, counts.accepted, counts.merged, counts.rejected + rejected))
  term.flush()
end

-- Takes what has changed of the files that were found.
local function look(done, args, found)
  local to, why = destination.open(args)
  if not to then
    return nil, why
  end
  local _ <close> = to.store
  local entries, bytes = changed(done, to, found, args.again)
  local run = { to = to, done = done, importer = import.new(), bar = progress.start(bytes),
    bytes = 0, lines = {}, waiting = 0, files = {},
    counts = { accepted = 0, merged = 0, rejected = 0 } }
  local ok, fault = collect_all(run, entries)
  tell(run, entries, run.bar:finish())
  return ok, fault
end

local function marks_of(found)
  local marks = {}
  for i, entry in ipairs(found) do
    marks[i] = entry.path .. " " .. agent_files.mark(entry)
  end
  return table.concat(marks, "\n")
end

-- The database is opened, or the server asked, only where a file has changed.
local function follow(done, args, found, seconds)
  local seen = marks_of(found)
  args.again = nil
  while true do
    sleep(seconds * 1000)
    found = agent_files.find(args.agent)
    local marks = marks_of(found)
    if marks ~= seen then
      local ok, why = look(done, args, found)
      if ok then
        seen = marks
      else
        term.error(why .. "; trying again")
      end
    end
  end
end

return {
  summary = "Collects the sessions that coding agents keep on this machine.",
  description = [[
Reads the sessions that Claude Code, Codex, Gemini CLI and Qwen Code keep in this user's home: into
the running server, or into the database when none runs.  What has been collected is noted, so the
next run reads only what has changed since, and one that was broken off goes on.  A call that
telemetry has told of too is the same row.]],
  options = {
    { "follow", false, "go on as the files grow" },
    { "every", "SECONDS", "between two looks of --follow", default = "5" },
    { "agent", "NAME", "only one: claude, codex, gemini or qwen" },
    { "again", false, "read all of it, also what was collected before" },
    { "url", "URL", "of the server: http://HOST:PORT (that of the config)" },
    { "token", "TOKEN", "with scope ingest", env = "MOONLEDGER_INGEST_TOKEN" },
  },
  examples = {
    { "moonledger collect", "once; from cron, say" },
    { "moonledger collect --agent codex --again",
      "all that Codex has kept, whatever has been read of it" },
  },

  ---@param args Arguments
  run = function(args)
    local seconds = tonumber(args.every)
    if not seconds or seconds < 0.1 then
      return 2, "collect: --every: expected seconds, at least 0.1"
    elseif args.agent and not agent_files.knows(args.agent) then
      return 2, ("collect: --agent: %s: expected claude, codex, gemini or qwen"):format(args.agent)
    end
    local done, why = agent_files.collected()
    if not done then
      return nil, why
    end
    local found = agent_files.find(args.agent)
    local ok, fault = look(done, args, found)
    if not ok then
      return nil, fault
    elseif args.follow then
      follow(done, args, found, seconds)
    end
    return 0
  end,
}
