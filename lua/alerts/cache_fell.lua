--- The share of prompt tokens that came from the cache in the last hour, in per cent of what it was
--- in the last day.
local measured = require "alerting.measured"
local storage = require "storage"

local DAY = 24 * 3600
local LEAST_TOKENS = 100000 -- of an hour, to say anything

local MEASURES = { "tokens_input", "cache_read_tokens", "cache_write_tokens" }

-- nil where there is too little to tell.
local function share(window, now)
  local groups, message = storage.aggregate {
    where = measured.last(window, now), measures = MEASURES,
  }
  local group = groups and groups[1]
  if not group then
    return nil, message
  end
  local all = group.tokens_input + group.cache_read_tokens + group.cache_write_tokens
  return all >= LEAST_TOKENS and group.cache_read_tokens / all or nil
end

return {
  summary = "Less of the prompts comes from the cache than a day ago, which costs.",
  window = "1h",
  measure = function(rule, now)
    local lately, message = share(rule.window, now)
    local before = lately and share(DAY, now)
    if not before or before == 0 then
      return nil, message
    end
    return lately / before * 100
  end,
  is = "below",
  warning = 70,
  critical = 40,
  ["for"] = "10m",
}
