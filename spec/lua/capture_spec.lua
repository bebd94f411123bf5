package.path = "lua/?.lua;" .. package.path
local gemini = require "capture.gemini"
local responses = require "capture.openai_responses"
local told_of = require "capture.told"

describe("what an answer tells of a failure", function()
  local function told(api, event)
    local found = told_of.new()
    api.event(found, event)
    return { found.error_type, found.error_message }
  end

  it("is Google's name of the status, which its code has as a number", function()
    assert.same({ "UNAVAILABLE", "Overloaded" }, told(gemini,
      { error = { code = 503, status = "UNAVAILABLE", message = "Overloaded" } }))
  end)

  it("is the code of OpenAI's event, whose type says that it is one", function()
    assert.same({ "rate_limit_exceeded", "Too many" }, told(responses,
      { type = "error", code = "rate_limit_exceeded", message = "Too many" }))
    assert.same({ "server_error", "Broken" }, told(responses,
      { type = "error", error = { type = "server_error", code = "x", message = "Broken" } }))
  end)
end)
