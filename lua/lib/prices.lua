--- List prices in US dollars per million tokens, for when no price file is configured.
--- Read on 2026-11-23 from platform.claude.com/docs (Pricing), developers.openai.com/api/docs/pricing,
--- ai.google.dev/gemini-api/docs/pricing and docs.x.ai, as their pages and public transcripts of them stood then.
--- `above` holds the rates of a request whose whole prompt is longer than that many thousand tokens; `fast` multiplies
--- all rates in fast mode.  A missing cache rate follows from the input rate (lib/pricing.lua).

---@class Rates
---@field input number
---@field output number
---@field cache_read? number
---@field cache_write? number     five-minute cache
---@field cache_write_1h? number  one-hour cache
---@field reasoning? number       reasoning tokens, where they are billed apart from other output
---@field fast? number
---@field above? table<integer, Rates>

local function claude(input, output, more)
  local rates = {
    input = input, output = output,
    cache_read = input * 0.1, cache_write = input * 1.25, cache_write_1h = input * 2,
  }
  for name, value in pairs(more or {}) do
    rates[name] = value
  end
  return rates
end

local function plain(input, cache_read, output, above)
  return { input = input, cache_read = cache_read, output = output, above = above }
end

-- OpenAI's models with a million tokens of context: beyond 272,000 twice the input rates and 1.5 times that of output.
local function long(input, cache_read, cache_write, output, fast)
  return {
    input = input, cache_read = cache_read, cache_write = cache_write, output = output, fast = fast,
    above = {
      [272] = {
        input = 2 * input, cache_read = 2 * cache_read, cache_write = cache_write and 2 * cache_write,
        output = 1.5 * output,
      },
    },
  }
end

local long_sonnet = { [200] = claude(6, 22.5) }
local long_gemini_pro = { [200] = plain(2.5, 0.25, 15) }

---@type table<string, Rates>
return {
  ["claude-fable-5-1"] = claude(10, 50, { cache_read = 0.25 }),
  ["claude-fable-5"] = claude(10, 50),
  ["claude-mythos-5-1"] = claude(10, 50, { cache_read = 0.25 }),
  ["claude-mythos-5"] = claude(10, 50),
  ["claude-opus-5-5"] = claude(4, 20, { cache_read = 0.2, fast = 2 }),
  ["claude-opus-5"] = claude(5, 25, { fast = 2 }),
  ["claude-opus-4-8"] = claude(5, 25, { fast = 2 }),
  ["claude-opus-4-7"] = claude(5, 25, { fast = 6 }),
  ["claude-opus-4-6"] = claude(5, 25, { fast = 6 }),
  ["claude-opus-4-5"] = claude(5, 25),
  ["claude-opus-4-1"] = claude(15, 75),
  ["claude-opus-4"] = claude(15, 75),
  ["claude-3-opus"] = claude(15, 75),
  ["claude-sonnet-5-5"] = claude(2, 10, { cache_read = 0.1 }),
  ["claude-sonnet-5"] = claude(2, 10),
  ["claude-sonnet-4-6"] = claude(3, 15),
  ["claude-sonnet-4-5"] = claude(3, 15, { above = long_sonnet }),
  ["claude-sonnet-4"] = claude(3, 15, { above = long_sonnet }),
  ["claude-3-7-sonnet"] = claude(3, 15),
  ["claude-3-5-sonnet"] = claude(3, 15),
  ["claude-haiku-5-5"] = claude(0.1, 0.5, { above = { [100] = claude(0.5, 2.5) } }),
  ["claude-haiku-4-5"] = claude(1, 5),
  ["claude-3-5-haiku"] = claude(0.8, 4),
  ["claude-3-haiku"] = { input = 0.25, output = 1.25, cache_read = 0.03, cache_write = 0.3, cache_write_1h = 0.5 },

  ["gpt-6-astra"] = long(10, 1, 12.5, 50, 2),
  ["gpt-6.1-sol"] = long(2, 0.1, 2.5, 10, 2),
  ["gpt-6-sol"] = long(2, 0.2, 2.5, 10, 2),
  ["gpt-6.1-terra"] = long(1, 0.05, 1.25, 5, 2),
  ["gpt-6-luna"] = long(0.1, 0.01, 0.125, 0.5, 2),
  ["gpt-5.6-sol"] = long(4, 0.4, 5, 20),
  ["gpt-5.6-terra"] = long(2, 0.2, 2.5, 12),
  ["gpt-5.6-luna"] = long(0.2, 0.02, 0.25, 1.2),
  ["gpt-5.5"] = long(5, 0.5, nil, 30),
  ["gpt-5.4"] = long(2.5, 0.25, nil, 15),
  ["gpt-5.4-mini"] = plain(0.75, 0.075, 4.5),
  ["gpt-5.4-nano"] = plain(0.2, 0.02, 1.25),
  ["gpt-5.3-codex"] = plain(1.75, 0.175, 14),
  ["gpt-5.2-codex"] = plain(1.75, 0.175, 14),
  ["gpt-5.2"] = plain(1.75, 0.175, 14),
  ["gpt-5.1"] = plain(1.25, 0.125, 10),
  ["gpt-5-codex"] = plain(1.25, 0.125, 10),
  ["gpt-5"] = plain(1.25, 0.125, 10),
  ["gpt-5-mini"] = plain(0.25, 0.025, 2),
  ["gpt-5-nano"] = plain(0.05, 0.005, 0.4),
  ["gpt-4.1"] = plain(2, 0.5, 8),
  ["gpt-4.1-mini"] = plain(0.4, 0.1, 1.6),
  ["gpt-4.1-nano"] = plain(0.1, 0.025, 0.4),
  ["gpt-4o"] = plain(2.5, 1.25, 10),
  ["gpt-4o-mini"] = plain(0.15, 0.075, 0.6),
  ["o3"] = plain(2, 0.5, 8),
  ["o4-mini"] = plain(1.1, 0.275, 4.4),

  ["gemini-3.8-flash"] = plain(0.75, 0.075, 3.75), -- until the end of 2026, like 3.7 and 3.6; then twice as much
  ["gemini-3.7-flash"] = plain(0.75, 0.075, 3.75),
  ["gemini-3.6-flash"] = plain(0.75, 0.075, 3.75),
  ["gemini-3.5-flash"] = plain(1.5, 0.15, 9),
  ["gemini-3.1-pro-preview"] = plain(2, 0.2, 12, { [200] = plain(4, 0.4, 18) }),
  ["gemini-3-pro-preview"] = plain(2, 0.2, 12, { [200] = plain(4, 0.4, 18) }),
  ["gemini-3-flash-preview"] = plain(0.5, 0.05, 3),
  ["gemini-2.5-pro"] = plain(1.25, 0.125, 10, long_gemini_pro),
  ["gemini-2.5-flash"] = plain(0.3, 0.03, 2.5),
  ["gemini-2.5-flash-lite"] = plain(0.1, 0.01, 0.4),

  ["grok-4.6"] = plain(2, 0.5, 6, { [200] = plain(4, 1, 12) }),
  ["grok-4.5"] = plain(2, 0.5, 6, { [200] = plain(4, 1, 12) }),
}
