---@meta content

--- What is content, by the names of members: see lua/ingest/content.lua.
---@class Content

---@class ContentOptions
---@field names string[]
---@field prefixes string[]  what their names begin with
---@field longest integer?   bytes of a text that may be kept, 1024

---@param options ContentOptions
---@return Content
local function content(options)
  return options
end

return content
