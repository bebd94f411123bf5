--- Codex CLI's own files, sessions/YYYY/MM/DD/rollout-TIME-ID.jsonl (openai/codex,
--- codex-rs/protocol): a call is an event token_count whose total_token_usage differs from the one
--- before; the same totals come again whenever limits are shown anew (ccusage#1288).  Since 0.153
--- a line token_usage_record tells each call, and those that made the session shorter, before
--- token_count does.  input_tokens include what came from the cache.  A fork, and a subagent's
--- file, begin with the token counts of the session they come from, told anew (ccusage#1370).
local batches = require "ingest.batch"
local dates = require "lib.dates"
local lines = require "ingest.lines"
local providers = require "lib.providers"
local shared_ids = require "ingest.shared_ids"
local tokens = require "ingest.tokens"
local values = require "lib.values"

local object, text, count = values.object, values.text, values.count

-- A fork's copy of its parent's lines is written within so many seconds (50 ms were seen) of its
-- beginning; a turn that began after it is the fork's own, however soon it comes.
local replay_s = 2

-- In this order they make ids.
local counts = {
  "input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens",
}

---@class Rollout
---@field batch Batch
---@field prices Prices
---@field id string?       of the session
---@field began table<string, number>    when sessions began, in unix seconds
---@field parents table<string, string>  sessions that sessions were forked from
---@field turn_began number?  unix seconds
---@field provider string?  what config.toml calls it
---@field model string?    of the turn
---@field effort string?
---@field tier string?    of the turn, and that of the session's settings
---@field session_tier string?
---@field total table?     the last one that was told
---@field told table<string, integer>  calls that token_count is still to tell of, by their counts
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
  self.began[id] = self.began[id] or dates.seconds(text(meta.timestamp) or timestamp)
  if not self.id then
    self.id, self.cwd, self.version = id, text(meta.cwd), text(meta.cli_version)
    local provider = text(meta.model_provider)
    self.provider = provider and providers.word(provider)
  end
end

-- When a UUID of version 7 was made, in unix seconds.
local function made_at(id)
  local high, low = (id or ""):match "^(%x%x%x%x%x%x%x%x)%-(%x%x%x%x)%-7"
  return high and tonumber(high .. low, 16) / 1000
end

function Rollout:read_turn(turn)
  self.turn_began = made_at(text(turn.turn_id))
  self.model = text(turn.model) or self.model
  self.effort = text(turn.effort)
  self.tier = text(turn.service_tier)
  self.cwd = text(turn.cwd) or self.cwd
end

-- Whether what is told then was copied from the session that this one began from.
function Rollout:is_copy(timestamp)
  local began, at = self.began[self.id], dates.seconds(timestamp)
  return self.parents[self.id] and began and at and at < began + replay_s
    and not (self.turn_began and self.turn_began >= began)
end

-- Whose a copied call is: that session's of the family that was the last to begin before the turn;
-- where turns do not tell when they began, the first one's.
function Rollout:origin()
  local id, seen = self.parents[self.id], {}
  while self.parents[id] and not seen[id]
      and not (self.turn_began and self.began[id] and self.turn_began >= self.began[id]) do
    seen[id], id = true, self.parents[id]
  end
  return id
end

local nothing = "0:0:0:0"

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

---@class CountedCall
---@field id string
---@field session string?   that telemetry tells it of
---@field place string?     what no two calls of that session have in common
---@field is_copy boolean?
---@field tier string?

-- Codex' own word for what the provider calls priority.
local tiers = { fast = "priority" }

---@param call CountedCall
function Rollout:add_call(usage, timestamp, call)
  local input, cached = count(usage.input_tokens), count(usage.cached_input_tokens)
  local output, reasoning = count(usage.output_tokens), count(usage.reasoning_output_tokens)
  local tier = call.tier or self.tier or self.session_tier
  local record = {
    request_id = call.id,
    other_id = shared_ids.codex(call.session, input, cached, output, reasoning, call.place),
    timestamp = timestamp, method = "POST", endpoint = "responses", path = "/v1/responses",
    status_code = 200, streaming = true, service_type = "codex",
    provider = self.provider or "openai",
    model = self.model, effort = self.effort,
  }
  if not call.is_copy then
    record.session_client_id, record.project = self.id, self.cwd
    record.user_agent = self.version and "codex/" .. self.version
  end
  tokens.put(record, { input = input, cache_read = cached, output = output, reasoning = reasoning,
    cache_write = count(usage.cache_write_input_tokens), service_tier = tiers[tier] or tier })
  self.prices:settle(record)
  self.batch:add(record)
end

-- place: the totals, of which no two calls of a file have the same.
function Rollout:counted_call(usage, timestamp, place)
  local is_copy = self:is_copy(timestamp)
  local owner = is_copy and self:origin() or self.id
  return {
    id = ("%s:%s:%s"):format(owner or self.name, place or timestamp or "", joined(usage)),
    session = is_copy and not self.turn_began and self.parents[self.id] or owner,
    place = place, is_copy = is_copy,
  }
end

function Rollout:read_count(payload, timestamp)
  local info = payload.info
  local total, before = object(info.total_token_usage), self.total or {}
  if self.total and next(total) and joined(total) == joined(before) then
    return
  end
  local usage = usage_of(info, before)
  local alike = joined(usage)
  self.total = next(total) and total or nil
  if alike == nothing then
    return
  elseif (self.told[alike] or 0) > 0 then
    self.told[alike] = self.told[alike] - 1
    return
  end
  self.model = self.model or text(info.model)
  local call = self:counted_call(usage, timestamp, next(total) and joined(total) or nil)
  call.tier = values.first_text(info.service_tier, payload.service_tier)
  self:add_call(usage, timestamp, call)
end

function Rollout:read_record(told, timestamp)
  local usage, response = object(told.usage), text(told.response_id)
  local session, alike = text(told.thread_id) or self.id, joined(usage)
  if not response or alike == nothing then
    return
  end
  self.told[alike] = (self.told[alike] or 0) + 1
  self:add_call(usage, timestamp, {
    id = ("%s:%s"):format(session or self.name, response), session = session, place = response,
    is_copy = session ~= self.id, tier = text(told.service_tier),
  })
end

function Rollout:take(line)
  local payload, timestamp = object(line.payload), text(line.timestamp)
  if line.type == "session_meta" then
    self:read_meta(payload, timestamp)
  elseif line.type == "turn_context" then
    self:read_turn(payload)
  elseif line.type == "token_usage_record" then
    self:read_record(payload, timestamp)
  elseif payload.type == "thread_settings_applied" then
    self.session_tier = text(object(payload.thread_settings).service_tier)
  elseif payload.type == "token_count" and type(payload.info) == "table" then
    self:read_count(payload, timestamp)
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
    name = name, prices = prices, batch = batches.new(), parents = {}, began = {}, told = {},
  }, Rollout)
end

return codex_rollout
