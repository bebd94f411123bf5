--- Colours, where standard output is a terminal and nobody has set $NO_COLOR (no-color.org).
local env = require "env"
local term = require "term"

local codes = { dim = "2", bold = "1", red = "31", green = "32", yellow = "33", cyan = "36" }

local on = term.is_terminal "out" and (env.get "NO_COLOR" or "") == ""

--- text in that colour, or as it is.
---@param colour "dim"|"bold"|"red"|"green"|"yellow"|"cyan"
---@param text string
---@return string
return function(colour, text)
  return on and ("\27[%sm%s\27[0m"):format(codes[colour], text) or text
end
