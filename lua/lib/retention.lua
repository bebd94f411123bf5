--- What is kept, since when, what went, what goes next, and when the disk is full.
local dates = require "lib.dates"
local json = require "json"
local storage = require "storage"

local retention = {}

local DAY = 86400
local WARN_DAYS = 14
local KINDS = { "rows", "minute", "hour", "day" }

local function iso(time)
  return time and dates.iso(time) or json.null
end

-- { NAME = time } of what was declared after rows had gone.
local function since_of(figures, kind)
  local found = {}
  for key, time in pairs(figures) do
    local name = key:match("^since:" .. kind .. ":(.*)$")
    if name then
      found[name] = iso(time)
    end
  end
  return found
end

local function kept(figures)
  local list = {
    sets = since_of(figures, "set"),
    measures = since_of(figures, "measure"),
    sketches = since_of(figures, "sketch"),
  }
  for _, kind in ipairs(KINDS) do
    list[kind] =
      { since = iso(figures["since:" .. kind]), oldest = iso(figures["oldest:" .. kind]) }
  end
  list.rows.count = figures.rows
  return list
end

local function next_of(figures)
  local first
  for _, kind in ipairs(KINDS) do
    local due = figures["due:" .. kind]
    if due and (not first or due < first.due) then
      first = { what = kind, due = due }
    end
  end
  return first and { what = first.what, at = iso(first.due) } or json.null
end

--- The days until the disk is full, as it has filled in the last one; nil where it is not filling,
--- or something is taken before.
---@param figures Retained
---@return number?
function retention.full_in_days(figures)
  local limits = figures.limits
  local used = figures.file_bytes + figures.wal_bytes + figures.parts_bytes
  local free = figures.disk_free and figures.disk_free + figures.free_pages * figures.page_bytes
  if not free or figures.day_bytes == 0 or limits.min_free
    or limits.max_bytes and limits.max_bytes - used < free then
    return nil
  end
  local days = free / figures.day_bytes
  local due = figures["due:rows"]
  return not (due and due < figures.now + days * DAY) and days or nil
end

--- For people; nil where there is nothing to be told.
---@param figures Retained
---@return string?
function retention.warning(figures)
  local days = retention.full_in_days(figures)
  if days and days < WARN_DAYS then
    return ("The disk will be full in about %d days, as it has filled in the last 24 hours: make "
      .. "room, or say in config.lua what may go (storage.retention)."):format(math.ceil(days))
  end
end

---@param figures Retained
---@return table
function retention.shape(figures)
  local removed, limits = figures.removed, {}
  for _, name in ipairs { "rows", "minute", "hour", "day", "max_bytes", "min_free" } do
    limits[name] = figures.limits[name] or json.null
  end
  return {
    limits = limits,
    kept = kept(figures),
    space = {
      file_bytes = figures.file_bytes,
      wal_bytes = figures.wal_bytes,
      parts_bytes = figures.parts_bytes,
      ballast_bytes = figures.ballast_bytes,
      reusable_bytes = figures.free_pages * figures.page_bytes,
      disk_free_bytes = figures.disk_free or json.null,
    },
    growth = {
      rows_per_day = figures.day_rows,
      bytes_per_day = figures.day_bytes,
      full_in_days = retention.full_in_days(figures) or json.null,
    },
    went = {
      rows = removed.rows,
      cells = removed.cells,
      parts = removed.parts,
      given_back_bytes = removed.bytes,
      passes = removed.passes,
      last_pass = iso(removed.last_pass),
    },
    next = next_of(figures),
    warning = retention.warning(figures) or json.null,
    timestamp = figures.now,
  }
end

--- What storage tells at this moment.
---@param now number
---@return Retained?
---@return string? message
---@return Reason? reason
function retention.read(now)
  local figures, message, reason = storage.retention()
  if figures then
    figures.now = now
  end
  return figures, message, reason
end

return retention
