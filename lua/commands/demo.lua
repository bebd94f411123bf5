--- moonledger demo: a database of made-up requests, served, to look at what there is.
local content = require "ingest.content"
local database = require "database"
local env = require "env"
local file = require "file"
local json = require "json"
local progress = require "lib.progress"

local batch = 2000

-- Dollars for a million tokens in and out, how often it is asked, and how long it takes to begin
-- and for a token.
local models = {
  { "claude-sonnet-4-20250514", "anthropic", 3, 15, 40, 900, 14 },
  { "claude-opus-4-20250514", "anthropic", 15, 75, 12, 1600, 28 },
  { "claude-3-5-haiku-20241022", "anthropic", 0.8, 4, 18, 400, 7 },
  { "gpt-4o", "openai", 2.5, 10, 16, 600, 11 },
  { "gpt-4o-mini", "openai", 0.15, 0.6, 9, 350, 6 },
  { "gemini-2.5-pro", "google", 1.25, 10, 5, 1100, 9 },
}
local people = {
  { "ada@example.com", "core" }, { "grace@example.com", "core" }, { "alan@example.com", "search" },
  { "edsger@example.com", "search" }, { "barbara@example.com", "support" },
}
local projects = { "ledger", "website", "assistant", "evals" }
local services = { "claude_code", "litellm", "sdk_service" }
local failures = { { 429, "rate_limit_error" }, { 529, "overloaded_error" },
  { 500, "api_error" }, { 400, "invalid_request_error" } }

local function one_of(list)
  return list[math.random(#list)]
end

local function weighted()
  local at = math.random(100)
  for _, model in ipairs(models) do
    at = at - model[5]
    if at <= 0 then
      return model
    end
  end
  return models[1]
end

-- Most of 1, now and then many times as much.
local function spread()
  return math.exp(1.1 * (math.random() + math.random() + math.random() - 1.5))
end

-- Work is done by day, less on a weekend.
local function busy(seconds)
  local hour, weekday = seconds // 3600 % 24, (seconds // 86400 + 4) % 7
  local day = (weekday == 0 or weekday == 6) and 0.25 or 1
  return day * (hour >= 8 and hour <= 18 and 1 or hour >= 6 and hour <= 22 and 0.4 or 0.08)
end

local function request(time, number)
  local model, person = weighted(), one_of(people)
  local failed = math.random() < 0.03 and one_of(failures)
  local input, output = math.floor(1800 * spread()), math.floor(420 * spread())
  local cached = math.random() < 0.7 and math.floor(9000 * spread()) or 0
  local first = model[6] * spread()
  local record = {
    request_id = ("demo-%d-%d"):format(time // 1, number), timestamp = time, method = "POST",
    endpoint = "/v1/messages", service_type = one_of(services), model = model[1],
    provider = model[2], streaming = true, status_code = failed and failed[1] or 200,
    user = person[1], team = person[2], project = one_of(projects),
    session_client_id = ("demo-%s-%d"):format(person[1]:match "^%a+", time // 7200),
    duration_ms = failed and first or first + output * model[7],
    error_type = failed and failed[2] or nil,
  }
  if not failed then
    record.tokens_input, record.tokens_output, record.cache_read_tokens = input, output, cached
    record.time_to_first_token_ms = first
    record.cost_usd = (input * model[3] + cached * model[3] / 10 + output * model[4]) / 1e6
  end
  return json.encode(record)
end

-- When requests are made, oldest first.
local function times_of(now, days, count)
  local times = {}
  while #times < count do
    local time = now - math.random() * days * 86400
    if math.random() < busy(math.floor(time)) then
      times[#times + 1] = time
    end
  end
  table.sort(times)
  return times
end

local function fill(store, days, count)
  math.randomseed(days, count) -- the same each time
  local times, bar, lines = times_of(env.now(), days, count), progress.start(count), {}
  for made, time in ipairs(times) do
    lines[#lines + 1] = request(time, made)
    if #lines == batch or made == count then
      local counts, why = store:ingest(table.concat(lines, "\n") .. "\n", content)
      if not counts then
        return nil, why
      end
      lines = {}
      bar:update(made, made)
    end
  end
  bar:finish()
  return true
end

local function make(path, args)
  local days, count = tonumber(args.days), tonumber(args.requests)
  if not days or days <= 0 or not math.tointeger(count) or count < 1 then
    return nil, "demo: --days and --requests are numbers above 0", 2
  end
  local store <close>, why = database.open(path)
  if not store then
    return nil, why
  end
  return fill(store, days, count)
end

return {
  summary = "Serves a database of made-up requests.",
  description = [[
Fills FILE with made-up requests of the last days, unless it is there already, and serves it where
your config would serve yours.]],
  arguments = "[FILE]",
  options = {
    { "days", "N", "how far back they go", default = "30" },
    { "requests", "N", "how many there are", default = "20000" },
    { "listen", "HOST:PORT", "where it is served (that of the config)" },
    { "no-serve", false, "fills it, and no more" },
  },
  examples = {
    { "moonledger demo", "a dashboard with something on it, at http://127.0.0.1:8787/dashboard" },
    { "moonledger demo --requests 1000 --days 2 --no-serve small.db", "only the file" },
  },

  ---@param args Arguments
  run = function(args)
    local path = args[1] or "moonledger-demo.db"
    if not file.stat(path) then
      local ok, why, code = make(path, args)
      if not ok then
        return code, why
      end
    end
    print(path .. ": made-up requests; delete it when you have seen enough")
    if args["no-serve"] then
      return 0
    end
    local address = args.listen or env.server():match "//(.*)"
    local words = { "--database", path, "--listen", address, "serve" }
    if env.config.how ~= "built in" then
      table.move({ "--config", env.config.file }, 1, 2, #words + 1, words)
    end
    return env.become(words)
  end,
}
