--- List prices in US dollars per million tokens, for when no price file is configured.
--- Read on 2026-11-23 from platform.claude.com/docs (Pricing),
--- developers.openai.com/api/docs/pricing, ai.google.dev/gemini-api/docs/pricing and
--- docs.x.ai, as their pages and public transcripts of them stood then. A missing cache
--- rate follows from the input rate (lib/pricing.lua); what else is missing is unknown.

---@class Rates
---@field input? number
---@field output? number
---@field cache_read? number
---@field cache_write? number     five-minute cache
---@field cache_write_1h? number  one-hour cache
---@field reasoning? number       reasoning tokens, where they are billed apart from other output
---@field audio_input? number
---@field audio_output? number
---@field image_input? number
---@field image_output? number
---@field above? table<integer, Rates>  by thousands of tokens that the whole prompt exceeds
---@field ranges? Rates[]   instead: for prompts of up to `upto` tokens, in this order
---@field fast? number                      factor of all rates in fast mode
---@field regional? number  .. when a Bedrock profile or a Vertex location has a region
---@field geo? table<string, number>        .. when the provider was told where to run it
---@field tiers? table<string, number|Rates> .. of a service tier, or its rates
---@field off_peak? { schedule: PriceTimes?, rates: Rates? }  schedule is nil where it is not known
---@field web_search? number                dollars a search
---@field request? number                   dollars a request

-- Batches are half the price everywhere; a search is a cent.
local function claude(input, output, more)
  local rates = {
    input = input, output = output,
    cache_read = input * 0.1, cache_write = input * 1.25, cache_write_1h = input * 2,
    tiers = { batch = 0.5 }, web_search = 0.01,
  }
  for name, value in pairs(more or {}) do
    rates[name] = value
  end
  return rates
end

-- Since version 4.5 a Bedrock profile or a Vertex location that keeps the request in a
-- region costs a tenth more; since Opus 4.6, so does inference_geo "us".
local function claude_45(input, output, more)
  local rates = claude(input, output, more)
  rates.regional = 1.1
  return rates
end

local function claude_46(input, output, more)
  local rates = claude_45(input, output, more)
  rates.geo = { us = 1.1 }
  return rates
end

local function plain(input, cache_read, output, above)
  return { input = input, cache_read = cache_read, output = output, above = above }
end

local function with(rates, more)
  for name, value in pairs(more) do
    rates[name] = value
  end
  return rates
end

-- Batches are half the price; Azure's data zones cost a tenth more.  Pictures in a prompt are
-- billed as its text, sound is not.
local function gpt(input, cache_read, output, more)
  local rates = plain(input, cache_read, output)
  return with(with(rates, { tiers = { batch = 0.5 }, regional = 1.1, image_input = input }),
    more or {})
end

-- Since GPT-5 flex costs what a batch does, and a search is a cent.
local function gpt_5(input, cache_read, output, priority)
  return gpt(input, cache_read, output, {
    tiers = { batch = 0.5, flex = 0.5, priority = priority }, web_search = 0.01,
  })
end

-- With a million tokens of context: beyond 272,000 twice the input rates and 1.5 times
-- that of output.
local function long(input, cache_read, cache_write, output, more)
  local rates = with(gpt_5(input, cache_read, output), { cache_write = cache_write })
  rates.above = {
    [272] = {
      input = 2 * input, cache_read = 2 * cache_read, cache_write = cache_write and 2 * cache_write,
      output = 1.5 * output, image_input = 2 * input,
    },
  }
  return with(rates, more or {})
end

local fast = { fast = 2 }

-- Pictures and film in a prompt are billed as its text; audio is the rate for sound.
local function gemini(input, cache_read, output, audio, above)
  local rates = plain(input, cache_read, output, above)
  return with(rates, { tiers = { batch = 0.5 }, image_input = input, audio_input = audio })
end

local long_sonnet = { [200] = claude(6, 22.5) }

local function long_gemini(input, cache_read, output)
  local rates = with(plain(input, cache_read, output), { image_input = input, audio_input = input })
  return { [200] = rates }
end

---@type table<string, Rates>
return {
  ["claude-fable-5-1"] = claude_46(10, 50, { cache_read = 0.25 }),
  ["claude-fable-5"] = claude_46(10, 50),
  ["claude-mythos-5-1"] = claude_46(10, 50, { cache_read = 0.25 }),
  ["claude-mythos-5"] = claude_46(10, 50),
  ["claude-opus-5-5"] = claude_46(4, 20, { cache_read = 0.2, fast = 2 }),
  ["claude-opus-5"] = claude_46(5, 25, { fast = 2 }),
  ["claude-opus-4-8"] = claude_46(5, 25, { fast = 2 }),
  ["claude-opus-4-7"] = claude_46(5, 25, { fast = 6 }),
  ["claude-opus-4-6"] = claude_46(5, 25, { fast = 6 }),
  ["claude-opus-4-5"] = claude_45(5, 25),
  ["claude-opus-4-1"] = claude(15, 75),
  ["claude-opus-4"] = claude(15, 75),
  ["claude-3-opus"] = claude(15, 75),
  ["claude-sonnet-5-5"] = claude_46(2, 10, { cache_read = 0.1 }),
  ["claude-sonnet-5"] = claude_46(2, 10),
  ["claude-sonnet-4-6"] = claude_46(3, 15),
  ["claude-sonnet-4-5"] = claude_45(3, 15, { above = long_sonnet }),
  ["claude-sonnet-4"] = claude(3, 15, { above = long_sonnet }),
  ["claude-3-7-sonnet"] = claude(3, 15),
  ["claude-3-5-sonnet"] = claude(3, 15),
  ["claude-haiku-5-5"] = claude_46(0.1, 0.5, { above = { [100] = claude(0.5, 2.5) } }),
  ["claude-haiku-4-5"] = claude_45(1, 5),
  ["claude-3-5-haiku"] = claude(0.8, 4),
  ["claude-3-haiku"] =
    { input = 0.25, output = 1.25, cache_read = 0.03, cache_write = 0.3, cache_write_1h = 0.5 },

  ["gpt-6-astra"] = long(10, 1, 12.5, 50, fast),
  ["gpt-6.1-sol"] = long(2, 0.1, 2.5, 10, fast),
  ["gpt-6-sol"] = long(2, 0.2, 2.5, 10, fast),
  ["gpt-6.1-terra"] = long(1, 0.05, 1.25, 5, fast),
  ["gpt-6-luna"] = long(0.1, 0.01, 0.125, 0.5, fast),
  ["gpt-5.6-sol"] = long(4, 0.4, 5, 20),
  ["gpt-5.6-terra"] = long(2, 0.2, 2.5, 12),
  ["gpt-5.6-luna"] = long(0.2, 0.02, 0.25, 1.2),
  ["gpt-5.5"] = long(5, 0.5, nil, 30, { tiers = { batch = 0.5, flex = 0.5, priority = 2.5 } }),
  ["gpt-5.4"] = long(2.5, 0.25, nil, 15),
  ["gpt-5.4-mini"] = gpt_5(0.75, 0.075, 4.5),
  ["gpt-5.4-nano"] = gpt_5(0.2, 0.02, 1.25),
  ["gpt-5.3-codex"] = gpt_5(1.75, 0.175, 14),
  ["gpt-5.2-codex"] = gpt_5(1.75, 0.175, 14),
  ["gpt-5.2"] = gpt_5(1.75, 0.175, 14, 2),
  ["gpt-5.1-codex-max"] = gpt_5(1.25, 0.125, 10, 2),
  ["gpt-5.1-codex-mini"] = gpt_5(0.25, 0.025, 2),
  ["gpt-5.1-codex"] = gpt_5(1.25, 0.125, 10, 2),
  ["gpt-5.1"] = gpt_5(1.25, 0.125, 10, 2),
  ["gpt-5-codex"] = gpt_5(1.25, 0.125, 10, 2),
  ["gpt-5"] = gpt_5(1.25, 0.125, 10, 2),
  ["gpt-5-mini"] = gpt_5(0.25, 0.025, 2, 1.8),
  ["gpt-5-nano"] = gpt_5(0.05, 0.005, 0.4),
  ["gpt-4.1"] = gpt(2, 0.5, 8, { tiers = { batch = 0.5, priority = 1.75 } }),
  ["gpt-4.1-mini"] = gpt(0.4, 0.1, 1.6, { tiers = { batch = 0.5, priority = 1.75 } }),
  ["gpt-4.1-nano"] = gpt(0.1, 0.025, 0.4, { tiers = { batch = 0.5, priority = 2 } }),
  ["gpt-4o"] = gpt(2.5, 1.25, 10, { tiers = { batch = 0.5, priority = 1.7 } }),
  ["gpt-4o-mini"] = gpt(0.15, 0.075, 0.6),
  ["o3"] = gpt_5(2, 0.5, 8, 1.75),
  ["o4-mini"] = gpt_5(1.1, 0.275, 4.4),

  ["text-embedding-3-small"] = { input = 0.02, tiers = { batch = 0.5 } },
  ["text-embedding-3-large"] = { input = 0.13, tiers = { batch = 0.5 } },

  -- until the end of 2026, like 3.7 and 3.6; then twice as much
  ["gemini-3.8-flash"] = gemini(0.75, 0.075, 3.75),
  ["gemini-3.7-flash"] = gemini(0.75, 0.075, 3.75),
  ["gemini-3.6-flash"] = gemini(0.75, 0.075, 3.75),
  ["gemini-3.5-flash"] = gemini(1.5, 0.15, 9),
  ["gemini-3.1-pro-preview"] = gemini(2, 0.2, 12, 2, long_gemini(4, 0.4, 18)),
  ["gemini-3-pro-preview"] = gemini(2, 0.2, 12, 2, long_gemini(4, 0.4, 18)),
  ["gemini-3-flash-preview"] = gemini(0.5, 0.05, 3, 1),
  ["gemini-2.5-pro"] = gemini(1.25, 0.125, 10, 1.25, long_gemini(2.5, 0.25, 15)),
  ["gemini-2.5-flash"] = gemini(0.3, 0.03, 2.5, 1),
  ["gemini-2.5-flash-lite"] = gemini(0.1, 0.01, 0.4, 0.3),

  ["grok-4.6"] = plain(2, 0.5, 6, { [200] = plain(4, 1, 12) }),
  ["grok-4.5"] = plain(2, 0.5, 6, { [200] = plain(4, 1, 12) }),
}
