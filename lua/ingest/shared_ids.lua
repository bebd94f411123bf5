--- Ids that telemetry and an agent's own files have in common where the provider's is in neither:
--- the session and what the call counted.  A prompt grows with each call of a session, but not
--- beside the conversation and where it was made shorter: of calls with the same counts the second
--- and later have their number behind it.
local memory = require "ingest.memory"

local shared_ids = {}

-- So many with the same counts are told apart.
local most = 12

-- The place of a call among those with this id; what tells them apart is their own name, so that
-- one that is told again has the place that it had.
local function place_of(id, own)
  local known, n = memory.get("alike", id) or "", 0
  for other in known:gmatch "[^\n]+" do
    n = n + 1
    if other == own or n == most then
      return n
    end
  end
  memory.set(known .. own .. "\n", "alike", id)
  return n + 1
end

local function numbered(id, own)
  local n = own and place_of(id, own) or 1
  return n == 1 and id or id .. ":" .. n
end

--- Codex CLI: nil where nothing was generated.
---@param session string?
---@param input integer?      with the cache
---@param cached integer?
---@param output integer?
---@param reasoning integer?
---@param own string?         what tells the call from others, in this teller's words
---@return string?
function shared_ids.codex(session, input, cached, output, reasoning, own)
  if not session or (output or 0) == 0 then
    return nil
  end
  return numbered(("codex:%s:%d:%d:%d:%d"):format(session, input or 0, cached or 0, output,
    reasoning or 0), own)
end

--- Gemini CLI, of which some versions count thoughts into the output and some do not: the total
--- stands for it.
---@param session string?
---@param input integer?     with the cache
---@param cached integer?
---@param thoughts integer?
---@param total integer?
---@param own string?        as above
---@return string?
function shared_ids.gemini(session, input, cached, thoughts, total, own)
  if not session or (total or 0) == 0 then
    return nil
  end
  return numbered(("gemini:%s:%d:%d:%d:%d"):format(session, input or 0, cached or 0, thoughts or 0,
    total), own)
end

return shared_ids
