--- Text of a record as a cell of a terminal's table or line.
local plain = require "lib.plain"
local text = require "lib.text"

local WIDEST = 40

--- Plain, and no wider than a terminal has room for: an ellipsis stands for what is cut.
---@param value any  nil: nothing
---@return string
return function(value)
  return text.clip(plain(value), WIDEST)
end
