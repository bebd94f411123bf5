--- A topic of ntfy: https://docs.ntfy.sh/publish/
local PRIORITIES = { warning = "3", critical = "5", error = "4" }
local TAGS = { warning = "warning", critical = "rotating_light", error = "grey_question" }

-- What follows a line's end would be a header of its own.
local function one_line(text)
  return (text:gsub("%c", " "))
end

return {
  summary = "Publishes to a topic of ntfy.",
  settings = { url = "url", token = "text" },

  ---@param notice Notice
  request = function(notice, settings)
    local is_over = notice.status == "resolved"
    return {
      url = settings.url,
      headers = {
        title = one_line(notice.name),
        priority = is_over and "2" or PRIORITIES[notice.severity],
        tags = is_over and "white_check_mark" or TAGS[notice.severity],
        authorization = settings.token and "Bearer " .. settings.token or nil,
      },
      body = notice.text,
    }
  end,
}
