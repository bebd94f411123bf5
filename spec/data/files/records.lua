--- What the fixtures beside this file hold: records in which every column of the first Moonledger
--- is told and nothing is a default, so that all file formats know the same of them.
local records = {}

local models = { "claude-sonnet-4", "gpt-4o", "gemini-2.5-pro" }
local states = { 200, 200, 200, 201, 429, 500 }
local people = { { "ada", "moon" }, { "grace", "sun", "atlas" }, {} }

local function record(i)
  local status, person = states[i % 6 + 1], people[i % 3 + 1]
  local path = i % 2 == 1 and "/v1/messages" or "/v1/chat/completions"
  return {
    request_id = ("req-%03d"):format(i), timestamp = 1795000000.25 + i * 7011, method = "POST",
    endpoint = path, path = path, query = "v=" .. i % 5, client_ip = ("10.0.0.%d"):format(i % 7),
    user_agent = "claude-cli/1.0." .. i % 4, service_type = i % 2 == 1 and "sdk" or "proxy",
    model = models[i % 3 + 1], streaming = i % 2 == 1, status_code = status,
    duration_ms = 100 + i * 7.5, tokens_input = 100 + i, tokens_output = 10 + i % 13,
    cache_read_tokens = 5 + i % 4, cache_write_tokens = 1 + i % 2, cost_usd = (i + 1) / 1024,
    cost_source = "reported", cost_sdk_usd = 0.25, num_turns = 1 + i % 3, session_type = "pooled",
    session_status = "active", session_age_seconds = 1.5 + i, session_message_count = 1 + i % 5,
    session_client_id = "session-" .. i % 4, session_pool_enabled = true,
    session_idle_seconds = 0.5, session_error_count = 1, note = "n" .. i,
    user = person[1], team = person[2], project = person[3],
    error_type = status >= 400 and "api_error" or nil,
    error_message = status >= 400 and "no luck" or nil,
  }
end

--- The records from the first to the last, counted from 0.
function records.slice(first, last)
  local list = {}
  for i = first, last do
    list[#list + 1] = record(i)
  end
  return list
end

records.count = 30
records.days = 3 -- that they are of

return records
