--- What is to be told: kept in the database until the receiver has answered 2xx.  Each notifier has
--- a queue of its own, which goes out in order, one at a time; what fails is tried again, later and
--- later, and what follows it waits.  A notice may arrive twice, with the same key.
local config = require "config"
local http = require "http"
local json = require "json"
local kv = require "kv"
local lock = require "alerting.lock"
local log = require "log"
local metrics = require "metrics"
local notifiers = require "alerting.notifiers"
local storage = require "storage"

local outbox = {}

--- Of storage.put: all that alerting keeps.
outbox.TOPIC = "alerting"

local TICK_MS = 250
local TURN_SECONDS = 10 -- after which a turn leaves the rest to the next
local PAGE = 20
local LONGEST_WAIT, GIVE_UP_SECONDS = 300, 3 * 86400
local HOPELESS_TRIES = 5

-- The receiver has read it and will not have it.
local HOPELESS = { [400] = true, [413] = true, [422] = true }

local sent = metrics.counter {
  name = "moonledger_notifications_total",
  help = "Notifications, by how they went: delivered, failed (tried again), dropped.",
  labels = { "notifier", "result" },
}

--- The number that the next notice gets is known; nil and why where it is not.
function outbox.prepare()
  if kv.get "outbox.number" then
    return true
  end
  local rows, message = storage.sql("SELECT max(substr(key, -16)) AS last FROM kept "
    .. "WHERE topic = ? AND key > 'outbox/' AND key < 'outbox0'", outbox.TOPIC)
  if not rows then
    return nil, message
  end
  kv.set("outbox.number", math.tointeger(tonumber(rows[1].last)) or 0)
  return true
end

--- Where the next notice for a notifier is kept.
---@param name string
---@return string
function outbox.key(name)
  return ("outbox/%s/%016d"):format(name, kv.incr "outbox.number")
end

--- Something waits for this notifier.
---@param name string
function outbox.wake(name)
  kv.set("outbox.waits/" .. name, true)
end

--- Nothing does.
---@param name string
---@return boolean
function outbox.is_idle(name)
  return kv.get("outbox.waits/" .. name) == false
end

--- Every so many seconds a notifier wants to hear again of what still fires; nil: it does not.
---@param name string
---@return integer?
function outbox.reminds(name)
  local notifier = notifiers.find(name)
  return notifier and notifier.kind.reminds
end

local function request_of(notifier, notice)
  local request = notifier.kind.request(notice, notifier.settings)
  if type(request) ~= "table" or type(request.headers or {}) ~= "table" then
    error('request must return a table such as { url = "..", headers = {}, body = ".." }', 0)
  end
  request.headers = request.headers or {}
  request.headers["idempotency-key"] = notice.key
  request.method, request.total_ms = request.method or "POST", 10000
  request.max_bytes = 65536
  return request
end

-- The answer of a receiver.  A mistake in the notifier's file is told as one that may pass.
local function ask(notifier, notice)
  local fine, response, message = pcall(request_of, notifier, notice)
  if fine then
    fine, response, message = pcall(http.request, response)
  end
  if fine then
    return response, message
  end
  local why = tostring(response)
  return nil, why:find "^lua/" and why or ("%s: %s"):format(notifier.file, why)
end

--- Sends one notice now.
---@param name string
---@param notice Notice
---@return boolean delivered
---@return string? message  why not
---@return integer? status  of the answer
---@return number? wait     seconds that the receiver asks for
function outbox.send(name, notice)
  local notifier = notifiers.find(name)
  local response, message = ask(notifier, notice)
  if not response then
    return false, message
  elseif response.status // 100 == 2 then
    return true
  end
  local wait = tonumber(response.headers["retry-after"])
  return false, ("it answered %d %s"):format(response.status, (response.body or ""):sub(1, 200)),
    response.status, wait
end

local function backoff(tries, wait)
  return math.max(math.min(1 << math.min(tries - 1, 20), LONGEST_WAIT), math.min(wait or 0, 3600))
end

-- Whether a notice that failed is given up.
local function is_hopeless(entry, tries, status)
  return os.time() - entry.at > GIVE_UP_SECONDS
    or HOPELESS[status or 0] and tries >= HOPELESS_TRIES
end

local function pause(name, seconds)
  kv.set("outbox.after/" .. name, os.time() + seconds)
end

-- One that has been delivered and cannot be taken away is sent again, but not at once.
local function drop(name, key)
  local fine = storage.put(outbox.TOPIC, { [key] = false })
  if not fine then
    pause(name, LONGEST_WAIT)
  end
  return fine
end

-- Sends what stands under a key; whether the next may go.
local function deliver(name, key, entry)
  local delivered, message, status, wait = outbox.send(name, entry.notice)
  local tries = (kv.get("outbox.tries/" .. name) or 0) + 1
  if delivered or is_hopeless(entry, tries, status) then
    sent:inc(1, name, delivered and "delivered" or "dropped")
    if not delivered then
      log.error("a notification is given up",
        { notifier = name, alert = entry.notice.name, error = message, tries = tries })
    end
    kv.set("outbox.tries/" .. name, nil)
    return drop(name, key)
  end
  local seconds = backoff(tries, wait)
  sent:inc(1, name, "failed")
  kv.set("outbox.tries/" .. name, tries)
  pause(name, seconds)
  log.warn("a notification could not be delivered and is tried again",
    { notifier = name, alert = entry.notice.name, error = message, seconds = seconds })
  return false
end

local function read_page(name)
  return storage.sql("SELECT key, data FROM kept WHERE topic = ? AND key > ? AND key < ? "
    .. "ORDER BY key LIMIT ?", outbox.TOPIC, ("outbox/%s/"):format(name),
    ("outbox/%s0"):format(name), PAGE)
end

local function turn(name)
  local began = os.time()
  kv.set("outbox.waits/" .. name, false) -- before it looks: what comes meanwhile says so again
  local rows = read_page(name)
  if not rows then
    outbox.wake(name)
    pause(name, 1)
    return
  end
  for i, row in ipairs(rows) do
    local fine = deliver(name, row.key, json.decode(row.data))
    if not fine or i == PAGE or os.time() - began >= TURN_SECONDS then
      outbox.wake(name)
      return
    end
  end
end

local function tick(name)
  local after = kv.get("outbox.after/" .. name)
  if outbox.is_idle(name) or after and os.time() < after then
    return
  end
  local held <close> = lock.take("outbox/" .. name)
  if held then
    turn(name)
  end
end

--- At load time: what has been repaired is tried at once.
function outbox.start()
  for name in pairs(config.notify or {}) do
    kv.set("outbox.after/" .. name, nil)
    every(TICK_MS, function()
      tick(name)
    end)
  end
end

return outbox
