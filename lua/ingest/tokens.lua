--- Token counts by everyone's convention, as those of a row: tokens_input never
--- includes the cache, tokens_output always includes reasoning.
local names = require "ingest.token_names"
local values = require "lib.values"

local tokens = {}

local count, text = values.count, values.text

local texts = values.set("service_tier", "asked_tier", "speed", "asked_speed", "inference_geo")

-- By the name of a member of a usage object: what it tells, and how early it stands in its list.
---@type table<string, { what: string, rank: integer, read: fun(v: any): any }>
local index = {}

--- Everybody's attributes, for otlp.fields.
---@type table<string, string[]>
tokens.fields = { packed = { "packed", table.unpack(names.packed) } }

for what, list in pairs(names) do
  if what ~= "packed" and what ~= "places" then
    local field = { texts[what] and "text" or "count", table.unpack(list) }
    for _, place in ipairs(names.places) do
      for rank, member in ipairs(list.usage or {}) do
        field[#field + 1] = place .. member
        index[member] = { what = what, rank = rank, read = texts[what] and text or count }
      end
    end
    tokens.fields[what] = field
  end
end

local function unpack_into(flat, prefix, value, depth)
  for key, member in pairs(value) do
    local name = prefix .. tostring(key)
    if type(member) == "table" and depth < 4 then
      unpack_into(flat, name .. ".", member, depth + 1)
    else
      flat[name] = member
    end
  end
end

--- A usage object with its members' members as a.b.
---@param usage table
---@return table<string, any>
function tokens.flat(usage)
  local flat = {}
  unpack_into(flat, "", usage, 1)
  return flat
end

---@class Told
---@field input integer?
---@field fresh integer?
---@field output integer?
---@field rest_of_input integer?   beside all its parts; so the next one
---@field rest_of_output integer?
---@field total integer?
---@field cache_read integer?
---@field cache_write integer?
---@field cache_write_5m integer?
---@field cache_write_1h integer?
---@field reasoning integer?
---@field reasoning_beside integer?
---@field [string] any

--- What a sender tells, by our names.
---@param flat table<string, any> a usage object made flat
---@return Told
function tokens.told(flat)
  local told, ranks = {}, {}
  for name, value in pairs(flat) do
    local entry = index[name]
    local known = entry and ranks[entry.what]
    if entry and not (known and known < entry.rank) then
      value = entry.read(value)
      if value ~= nil then
        told[entry.what], ranks[entry.what] = value, entry.rank
      end
    end
  end
  return told
end

--- Whether it counts anything that a model has read or written.
---@param told Told
---@return boolean
function tokens.any(told)
  return (told.input or told.output or told.total or told.cache_read or told.cache_write
    or told.rest_of_input or told.rest_of_output) ~= nil
end

-- Writes are told as a sum, as two parts, or as both; where these do not add up the
-- larger one loses nothing.
local function written(told)
  if not told.cache_write_5m and not told.cache_write_1h then
    return told.cache_write
  end
  return math.max(told.cache_write or 0, (told.cache_write_5m or 0) + (told.cache_write_1h or 0))
end

-- Whether total is these, with or without reasoning beside them.
local function adds_up(told, whole)
  local sum = whole + (told.output or 0)
  return told.total == sum or told.total == sum + (told.reasoning or 0)
end

-- How much of the input comes from or goes to the cache.  Some count it in and some do
-- not: an input smaller than the cache leaves it out; a total that only fits one way
-- tells; else it is as the sender's convention has it.
local function counted_in(told, read, write, excludes)
  local input, cached = told.input, read + write
  if cached == 0 or told.total and adds_up(told, input + cached) then
    return 0
  elseif told.total and write > 0 and input >= read and adds_up(told, input + write) then
    return read
  end
  return (excludes or input < cached) and 0 or cached
end

local function fresh_input(told, read, write, excludes)
  local input, fresh, cached = told.input, told.fresh, read + write
  if told.rest_of_input then
    fresh = told.rest_of_input + (told.audio_input or 0)
  end
  if fresh and (not input or input == fresh or input == fresh + cached) then
    return fresh
  elseif input then
    return input - counted_in(told, read, write, excludes)
  elseif told.total and told.output then
    return math.max(0, told.total - told.output - cached)
  end
  return nil
end

-- Google counts thoughts beside the output and most others inside it: a total that only
-- fits with them, or more thoughts than output, tells; and some names do.
local function whole_output(told, prompt)
  local beside = not told.reasoning and told.reasoning_beside
  local output, reasoning = told.output, told.reasoning or beside or 0
  if not output and told.rest_of_output then
    output = told.rest_of_output + (told.audio_output or 0)
  end
  if not output or reasoning == 0 then
    return output
  elseif reasoning > output or told.total == prompt + output + reasoning
      or beside and told.total ~= prompt + output then
    return output + reasoning
  end
  return output
end

local function some(n)
  return n ~= 0 and n or nil
end

-- What few calls have.
local function put_parts(record, told)
  record.cache_write_1h_tokens = some(told.cache_write_1h)
  record.audio_input_tokens = some(told.audio_input)
  record.audio_output_tokens = some(told.audio_output)
  record.image_input_tokens = some(told.image_input)
  record.image_output_tokens = some(told.image_output)
  record.web_searches = some(told.web_searches)
  record.inference_geo = told.inference_geo
end

--- Puts the counts into a record.
---@param record table
---@param told Told
---@param excludes boolean?  the sender's input leaves the cache out, where nothing tells
function tokens.put(record, told, excludes)
  local read, write = told.cache_read, written(told)
  local fresh = fresh_input(told, read or 0, write or 0, excludes)
  record.tokens_input = fresh
  record.tokens_output = whole_output(told, (fresh or 0) + (read or 0) + (write or 0))
  record.cache_read_tokens = read
  record.cache_write_tokens = write
  record.reasoning_tokens = told.reasoning or told.reasoning_beside
  record.service_tier = told.service_tier or some(told.priority) and "priority"
    or some(told.flex) and "flex" or told.asked_tier
  record.speed = told.speed or told.asked_speed
  if told.cache_write_1h or told.audio_input or told.audio_output or told.image_input
      or told.image_output or told.web_searches or told.inference_geo then
    put_parts(record, told)
  end
end

return tokens
