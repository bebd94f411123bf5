--- Ids that telemetry and an agent's own files have in common where the provider's is in neither:
--- the session and what the call counted.  A prompt grows with each call of a session, so two
--- calls of one do not have the same counts.
local shared_ids = {}

--- Codex CLI: nil where nothing was generated.
---@param session string?
---@param input integer?      with the cache
---@param cached integer?
---@param output integer?
---@param reasoning integer?
---@return string?
function shared_ids.codex(session, input, cached, output, reasoning)
  if not session or (output or 0) == 0 then
    return nil
  end
  return ("codex:%s:%d:%d:%d:%d"):format(session, input or 0, cached or 0, output, reasoning or 0)
end

--- Gemini CLI, of which some versions count thoughts into the output and some do not: the total
--- stands for it.
---@param session string?
---@param input integer?     with the cache
---@param cached integer?
---@param thoughts integer?
---@param total integer?
---@return string?
function shared_ids.gemini(session, input, cached, thoughts, total)
  if not session or (total or 0) == 0 then
    return nil
  end
  return ("gemini:%s:%d:%d:%d:%d"):format(session, input or 0, cached or 0, thoughts or 0, total)
end

return shared_ids
