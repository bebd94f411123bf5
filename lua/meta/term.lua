---@meta term

--- For commands: the terminal.
local term = {}

--- The same as print: to standard output, with tabs between and a line's end.
function term.print(...) end

--- To standard output, as it is.
---@param text string
function term.write(text) end

--- What was printed goes out now, also into a pipe.
function term.flush() end

--- "moonledger: text" to standard error.
---@param text string
function term.error(text) end

---@param stream "in"|"out"|"err"|nil  "out"
---@return boolean
function term.is_terminal(stream) end

--- Draws a line on standard error over the last one, where that is a terminal and at most ten
--- times a second; wipes it where there is no text.
---@param text string?
function term.progress(text) end

return term
