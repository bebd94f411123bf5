--- What moonledger doctor has found, printed as it is found.
local plain = require "lib.plain"

---@class Report
---@field fines integer  how much of it is well,
---@field notes integer  may be meant so,
---@field wrong integer  needs repair
local Report = {}
Report.__index = Report

local function say(level, subject, message, repair)
  print(plain(("%-6s %-14s %s"):format(level, subject, message)))
  for line in (repair or ""):gmatch "[^\n]+" do
    print(plain("                      " .. line))
  end
end

---@param subject string
---@param message string
function Report:fine(subject, message)
  self.fines = self.fines + 1
  say("fine", subject, message)
end

--- What may be meant so.
---@param subject string
---@param message string
---@param repair string?  lines to paste, or what to do
function Report:note(subject, message, repair)
  self.notes = self.notes + 1
  say("note", subject, message, repair)
end

---@param subject string
---@param message string
---@param repair string  lines to paste, or what to do
function Report:fault(subject, message, repair)
  self.wrong = self.wrong + 1
  say("WRONG", subject, message, repair)
end

local report = {}

---@return Report
function report.new()
  return setmetatable({ fines = 0, notes = 0, wrong = 0 }, Report)
end

return report
