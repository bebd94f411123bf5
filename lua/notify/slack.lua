--- An incoming webhook of Slack, and of what understands its messages (Mattermost, Rocket.Chat).
local json = require "json"

local MARKS = { warning = ":warning:", critical = ":rotating_light:", error = ":grey_question:" }

-- https://docs.slack.dev/messaging/formatting-message-text, "Escaping text"
local function escaped(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

return {
  summary = "Writes to a channel of Slack.",
  settings = { url = "url" },

  ---@param notice Notice
  request = function(notice, settings)
    local mark = notice.status == "resolved" and ":white_check_mark:" or MARKS[notice.severity]
    local lines = { ("%s %s"):format(mark, escaped(notice.text)) }
    lines[2] = notice.summary and escaped(notice.summary)
    return {
      url = settings.url, headers = { ["content-type"] = "application/json" },
      body = json.encode { text = table.concat(lines, "\n") },
    }
  end,
}
