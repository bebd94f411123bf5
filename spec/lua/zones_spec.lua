local function read(name)
  local file = io.open("/usr/share/zoneinfo/" .. name, "rb")
  local bytes = file and file:read "a"
  if file then
    file:close()
  end
  return bytes
end

package.loaded.zone = { read = read }
package.path = "lua/?.lua;" .. package.path
local calendar = require "lib.calendar"
local dates = require "lib.dates"
local zones = require "lib.zones"

local function utc(text)
  local y, mo, d, h, mi, s = text:match("(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)")
  return dates.days(tonumber(y), tonumber(mo),
    tonumber(d)) * 86400 + h * 3600 + mi * 60 + s
end

describe("a time zone", function()
  -- As `TZ=.. date` says.
  local offsets = {
    { "Europe/Berlin", "2026-03-29T00:59:59", 3600 },
      { "Europe/Berlin", "2026-03-29T01:00:00", 7200 },
    { "Europe/Berlin", "2026-10-25T00:59:59", 7200 },
      { "Europe/Berlin", "2026-10-25T01:00:00", 3600 },
    { "Europe/Berlin", "2077-07-01T00:00:00", 7200 },
      { "Europe/Berlin", "2077-01-01T00:00:00", 3600 },
    { "America/New_York", "2050-11-06T05:59:59", -14400 },
      { "America/New_York", "2050-11-06T06:00:00", -18000 },
    { "Australia/Sydney", "2060-01-01T00:00:00", 39600 },
      { "Australia/Sydney", "2060-07-01T00:00:00", 36000 },
    { "Australia/Lord_Howe", "2026-01-01T00:00:00", 39600 },
      { "Australia/Lord_Howe", "2026-07-01T00:00:00", 37800 },
    { "Asia/Kolkata", "2026-07-01T00:00:00", 19800 },
      { "Asia/Kathmandu", "2026-07-01T00:00:00", 20700 },
    { "Europe/Dublin", "2070-07-01T00:00:00", 3600 }, { "Europe/Dublin", "2070-12-01T00:00:00", 0 },
    { "America/Sao_Paulo", "2018-12-01T00:00:00", -7200 },
      { "America/Sao_Paulo", "2026-12-01T00:00:00", -10800 },
    { "+05:45", "2026-07-01T00:00:00", 20700 }, { "-03:30", "2026-07-01T00:00:00", -12600 },
    { "UTC", "2026-07-01T00:00:00", 0 },
  }
  for _, case in ipairs(offsets) do
    it(("%s at %s is %d s east"):format(table.unpack(case)), function()
      assert.equal(case[3], assert(zones.find(case[1])):offset(utc(case[2])))
    end)
  end

  it("is not found by a name that is none", function()
    for _, name in ipairs { "Nowhere/City", "+25:00", "+1:00", "tzdata.zi", "05:00" } do
      assert.is_nil(zones.find(name), name)
    end
  end)
end)

describe("a calendar", function()
  local function bounds(name, every, first, last)
    local zone = zones.find(name)
    local list = calendar.bounds(zone, every, utc(first), utc(last), 100)
    for i, at in ipairs(list or {}) do
      list[i] = calendar.iso(zone, at)
    end
    return list
  end

  it("has days of 23 and of 25 hours", function()
    assert.same({ "2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00",
      "2026-03-30T00:00:00+02:00" },
      bounds("Europe/Berlin", "day", "2026-03-28T12:00:00", "2026-03-30T12:00:00"))
    assert.same({ "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00" },
      bounds("Europe/Berlin", "day", "2026-10-25T12:00:00", "2026-10-26T12:00:00"))
  end)

  it("begins a day without a midnight when the day begins", function()
    assert.same({ "2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00",
      "2018-11-05T00:00:00-02:00" },
      bounds("America/Sao_Paulo", "day", "2018-11-03T12:00:00", "2018-11-05T12:00:00"))
  end)

  it("tells the hour that comes twice apart", function()
    assert.same({ "2026-10-25T01:00:00+02:00", "2026-10-25T02:00:00+02:00",
      "2026-10-25T02:00:00+01:00",
                  "2026-10-25T03:00:00+01:00" },
      bounds("Europe/Berlin", "hour", "2026-10-24T23:30:00", "2026-10-25T02:00:00"))
  end)

  it("has half an hour where the clock changes by one", function()
    assert.same({ "2026-04-05T01:00:00+11:00", "2026-04-05T02:00:00+10:30",
      "2026-04-05T03:00:00+10:30" },
      bounds("Australia/Lord_Howe", "hour", "2026-04-04T14:30:00", "2026-04-04T16:45:00"))
  end)

  it("begins weeks on Monday, and months with their first", function()
    assert.same({ "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z" },
      bounds("UTC", "week", "2027-01-01T00:00:00", "2027-01-04T00:00:00"))
    assert.same({ "2026-11-01T00:00:00-04:00", "2026-12-01T00:00:00-05:00",
      "2027-01-01T00:00:00-05:00" },
      bounds("America/New_York", "month", "2026-11-01T05:00:00", "2027-01-02T00:00:00"))
  end)

  it("answers nil where there are too many", function()
    assert.is_nil(bounds("UTC", "hour", "2026-01-01T00:00:00", "2026-02-01T00:00:00"))
  end)
end)
