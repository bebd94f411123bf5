--- Codex CLI's own files, sessions/YYYY/MM/DD/rollout-TIME-ID.jsonl (openai/codex,
--- codex-rs/protocol): a call is an event token_count whose total_token_usage differs from the one
--- before; the same totals come again whenever limits are shown anew (ccusage#1288).  input_tokens
--- include what came from the cache.  A fork, and a subagent's file, begin with the token counts
--- of the session they come from, told anew (ccusage#1370).
local batches = require "ingest.batch"
local dates = require "ingest.dates"
local lines = require "ingest.lines"
local shared_ids = require "ingest.shared_ids"
local tokens = require "ingest.tokens"
local values = require "ingest.values"

local object, text, count = values.object, values.text, values.count

-- What is told within so many seconds of a fork's beginning is its parent's.
local replay_s = 5

-- In this order they make ids.
local counts = {
  "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens",
}

---@class Rollout
---@field batch Batch
---@field prices Prices
---@field id string?       of the session
---@field began number?    unix seconds
---@field parents table<string, string>  sessions that sessions were forked from
---@field model string?    of the turn
---@field effort string?
---@field total table?     the last one that was told
local Rollout = {}
Rollout.__index = Rollout

local function parent_of(meta)
  local spawn = object(object(object(meta.source).subagent).thread_spawn)
  return values.first_text(meta.forked_from_id, spawn.parent_thread_id, meta.parent_thread_id)
end

-- The first is the file's; others were copied with what they are of.
function Rollout:read_meta(meta, timestamp)
  local id = values.first_text(meta.id, meta.session_id)
  if not id then
    return
  end
  self.parents[id] = self.parents[id] or parent_of(meta)
  if not self.id then
    self.id, self.cwd, self.version = id, text(meta.cwd), text(meta.cli_version)
    self.began = dates.seconds(text(meta.timestamp) or timestamp)
  end
end

function Rollout:read_turn(turn)
  self.model = text(turn.model) or self.model
  self.effort = text(turn.effort)
  self.cwd = text(turn.cwd) or self.cwd
end

-- Whose call it is, for its id: of a family of forks, where a copy stands in several files, the
-- first ancestor's.
function Rollout:family()
  local id, seen = self.id, {}
  while id and self.parents[id] and not seen[id] do
    seen[id], id = true, self.parents[id]
  end
  return id or self.name
end

function Rollout:is_replay(timestamp)
  local at = dates.seconds(timestamp)
  return self.id and self.parents[self.id] and self.began and at and at < self.began + replay_s
end

local function joined(usage)
  local list = {}
  for i, name in ipairs(counts) do
    list[i] = count(usage[name]) or 0
  end
  return table.concat(list, ":")
end

-- The call's own counts: what was told of it, else by how much the totals grew; a session that
-- goes on may have begun to count anew.
local function usage_of(info, before)
  local last, total = object(info.last_token_usage), object(info.total_token_usage)
  if next(last) then
    return last
  end
  local grown = {}
  for _, name in ipairs(counts) do
    before = (count(total[name]) or 0) < (count(before[name]) or 0) and {} or before
  end
  for _, name in ipairs(counts) do
    grown[name] = (count(total[name]) or 0) - (count(before[name]) or 0)
  end
  return grown
end

-- place: the totals, of which no two calls of a file have the same.
function Rollout:record(usage, timestamp, place)
  local replay = self:is_replay(timestamp)
  local input, cached = count(usage.input_tokens), count(usage.cached_input_tokens)
  local output, reasoning = count(usage.output_tokens), count(usage.reasoning_output_tokens)
  local session = replay and self.parents[self.id] or self.id
  local record = {
    request_id = ("%s:%s:%s"):format(self:family(), place or timestamp or "", joined(usage)),
    other_id = shared_ids.codex(session, input, cached, output, reasoning, place),
    timestamp = timestamp, method = "POST", endpoint = "responses", path = "/v1/responses",
    status_code = 200, streaming = true, service_type = "codex", provider = "openai",
    model = self.model, effort = self.effort,
  }
  if not replay then
    record.session_client_id, record.project = self.id, self.cwd
    record.user_agent = self.version and "codex/" .. self.version
  end
  tokens.put(record, { input = input, cache_read = cached, output = output, reasoning = reasoning,
    cache_write = count(usage.cache_write_input_tokens) })
  return record
end

function Rollout:read_count(info, timestamp)
  local total, before = info.total_token_usage, self.total or {}
  local told = object(total)
  if self.total and next(told) and joined(told) == joined(before) then
    return
  end
  local usage = usage_of(info, before)
  self.total = next(told) and told or nil
  if joined(usage) == "0:0:0:0" then
    return
  end
  local record = self:record(usage, timestamp, next(told) and joined(told) or nil)
  record.model = record.model or text(info.model)
  self.prices:settle(record)
  self.batch:add(record)
end

function Rollout:take(line)
  local payload, timestamp = object(line.payload), text(line.timestamp)
  if line.type == "session_meta" then
    self:read_meta(payload, timestamp)
  elseif line.type == "turn_context" then
    self:read_turn(payload)
  elseif payload.type == "token_count" and type(payload.info) == "table" then
    self:read_count(payload.info, timestamp)
  end
end

--- Reads a piece of the file.
---@param body string
function Rollout:add(body)
  lines.each(body, self.batch, function(line)
    self:take(line)
  end)
end

--- The file's records so far; those that were handed out before are not among them.
---@return Batch
function Rollout:finish()
  local batch = self.batch
  self.batch = batches.new()
  return batch
end

local codex_rollout = {}

---@param name string    of the file
---@param prices Prices
---@return Rollout
function codex_rollout.new(name, prices)
  return setmetatable({
    name = name, prices = prices, batch = batches.new(), parents = {},
  }, Rollout)
end

return codex_rollout
