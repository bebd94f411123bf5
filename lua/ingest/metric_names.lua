--- Names of OTLP metrics in Prometheus, as Prometheus's own translation makes them
--- (otlptranslator, metric_namer.go): the words of the name, its unit unless a word
--- says it, "ratio" for a gauge of unit 1, and "total" once, at the end of a counter.
local values = require "lib.values"

local metric_names = {}

local units = {
  d = "days", h = "hours", min = "minutes", s = "seconds", ms = "milliseconds", us = "microseconds",
  ns = "nanoseconds", By = "bytes", KiBy = "kibibytes", MiBy = "mebibytes",
  GiBy = "gibibytes", TiBy = "tibibytes",
  KBy = "kilobytes", MBy = "megabytes", GBy = "gigabytes", TBy = "terabytes",
  m = "meters", V = "volts", A = "amperes",
  J = "joules", W = "watts", g = "grams", Cel = "celsius",
  Hz = "hertz", ["1"] = "", ["%"] = "percent",
}

local rates = {
  s = "second", m = "minute", h = "hour", d = "day", w = "week", mo = "month", y = "year",
}

local function words_of(text)
  local words = {}
  for word in text:gmatch("[%w:]+") do
    words[#words + 1] = word
  end
  return words
end

local function has(words, word)
  for _, known in ipairs(words) do
    if known == word then
      return true
    end
  end
  return false
end

local function without(words, word)
  local kept = {}
  for _, known in ipairs(words) do
    if known ~= word then
      kept[#kept + 1] = known
    end
  end
  return kept
end

local function trim(text)
  return text:match("^%s*(.-)%s*$")
end

-- The unit and what it is counted per, as words; braces are a note: "{tokens}/s" is per second.
local function unit_words(unit)
  local main, per = unit:match("^([^/]*)/?(.*)$")
  main, per = trim(main), trim(per)
  if main:find("[{}]") then
    main = ""
  end
  if per:find("[{}]") then
    per = ""
  end
  return table.concat(words_of(units[main] or main), "_"),
    table.concat(words_of(rates[per] or per), "_")
end

local function add_unit(words, unit)
  local main, per = unit_words(unit)
  if main ~= "" and not has(words, main) then
    words[#words + 1] = main
  end
  if per ~= "" and not has(words, per) then
    words[#words + 1] = "per"
    words[#words + 1] = per
  end
end

--- A label's name, or a metric's without its unit.
---@param name string
---@return string
function metric_names.plain(name)
  name = name:gsub("[^%w_:]", "_"):gsub("__+", "_")
  return name:find("^%d") and "_" .. name or name
end

--- The name of a family.
---@param metric { name: string, unit: any }
---@param kind "counter"|"gauge"|"histogram"
---@return string
function metric_names.family(metric, kind)
  local words = words_of(metric.name)
  local unit = values.clip(values.text(metric.unit), 64) or ""
  add_unit(words, unit)
  if kind == "counter" then
    words = without(words, "total")
    words[#words + 1] = "total"
  elseif kind == "gauge" and unit == "1" then
    words = without(words, "ratio")
    words[#words + 1] = "ratio"
  end
  return metric_names.plain(table.concat(words, "_"))
end

return metric_names
