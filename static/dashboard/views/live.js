/** The stream as it comes: newest first, at most ROWS rows, drawn ten times a second. */
import { get } from "../lib/api.js";
import { h, replace } from "../lib/dom.js";
import { duration, integer, price, short } from "../lib/format.js";
import { opens, statusMark, timeCell } from "../lib/record.js";
import { parameters } from "../lib/state.js";
import { follow } from "../lib/stream.js";

const ROWS = 200;
const BEFORE = 50;
const DRAW_MS = 100;
const FEW = 5; // more at once are not pointed out one by one
const RATE_SECONDS = 5;

const heads = ["Time", "Status", "Model", "Endpoint", "Service type", "Duration", "Tokens", "Cost"];
const numbers = new Set(["Duration", "Tokens", "Cost"]);

function outcome(type, data) {
  if (type === "request_start") return h("span.quiet", {}, "start");
  return type === "request_error"
    ? h("span.status.bad", {}, data.error_type || "error")
    : statusMark(data.status_code);
}

function line({ type, data, timestamp }) {
  const text = (value) => h("td", { title: value ?? "" }, value ?? "");
  const tokens = (data.tokens_input ?? 0) + (data.tokens_output ?? 0);
  return h("tr", type === "request_start" ? {} : opens(data.request_id),
    h("td.time", {}, timeCell(timestamp)), h("td", {}, outcome(type, data)),
    text(data.model), text(data.endpoint ?? data.path), text(data.service_type),
    h("td.number", {}, data.duration_ms === undefined ? "" : duration(data.duration_ms)),
    h("td.number", {}, tokens ? short(tokens) : ""),
    h("td.number", {}, data.cost_usd === undefined ? "" : price(data.cost_usd)));
}

/** Events per second over the last few, told each second. */
function measureRate(tell, signal) {
  const counts = [0];
  const clock = setInterval(() => {
    tell(counts.reduce((sum, n) => sum + n, 0) / counts.length);
    counts.push(0);
    if (counts.length > RATE_SECONDS) counts.shift();
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(clock), { once: true });
  return () => { counts[counts.length - 1] += 1; };
}

/** The rows, bounded; those that come while it is held wait, bounded too. */
function makeRows(body, signal) {
  const waiting = [];
  const seen = new Set();
  const before = new Set(); // stored ones that are shown, of which the stream may tell yet
  let timer = null;
  let held = false;

  function flush() {
    timer = null;
    if (held || signal.aborted) return;
    const rows = waiting.splice(0).reverse().map(line);
    if (rows.length <= FEW) for (const row of rows) row.classList.add("arrived");
    body.prepend(...rows);
    while (body.rows.length > ROWS) body.lastElementChild.remove();
  }

  return {
    add(event) {
      if (before.delete(event.data.request_id)) return;
      if (seen.size < ROWS) seen.add(event.data.request_id);
      waiting.push(event);
      if (waiting.length > ROWS) waiting.shift();
      if (!held) timer ??= setTimeout(flush, DRAW_MS);
    },
    addBefore(entries) {
      const older = entries.filter((row) => !seen.has(row.request_id));
      for (const row of older) before.add(row.request_id);
      body.append(
        ...older.map((row) =>
          line({ type: "request_complete", data: row, timestamp: row.timestamp })));
    },
    hold(on) {
      held = on;
      flush();
    },
    clear() {
      waiting.length = 0;
      before.clear();
      body.replaceChildren();
    },
  };
}

export async function draw(main, state, { signal, say, fail }) {
  const query = parameters(state, { times: false });
  const badge = h("span.badge.waiting", { role: "status" }, "connecting");
  const rate = h("span.quiet.number", {}, "0 events/s");
  const gap = h("p.card.notice", { hidden: true, role: "status" });
  const body = h("tbody");
  const pause = h("button", { type: "button", "aria-pressed": "false" }, "Pause");
  const empty = h("p.quiet", {}, "Waiting for the first event.");
  const rows = makeRows(body, signal);
  const count = measureRate((perSecond) => {
    rate.textContent = `${perSecond < 10 ? perSecond.toFixed(1) : integer(perSecond)} events/s`;
  }, signal);
  let paused = false;
  let skipped = 0;
  let held = 0;
  let begun = false;

  function onEvent(event) {
    if (event.type === "overflow") {
      skipped += event.dropped ?? 0;
      gap.hidden = false;
      gap.textContent =
        `A gap of ${integer(skipped)} events: they came faster than they could be sent here, or `
          + `while the connection was down. Requests has them all.`;
    } else if (event.type.startsWith("request_")) {
      count();
      empty.hidden = true;
      rows.add(event);
      if (paused) {
        held += 1;
        pause.textContent = `Resume (${integer(held)} new)`;
      }
    }
  }

  /** Once the stream is open nothing can fall between it and what was stored before. */
  async function showBefore() {
    const before = new URLSearchParams(query);
    before.set("limit", BEFORE);
    before.set("order_desc", true);
    before.set("fields", "*"); // with which an unknown cost is null
    const { entries } = await get("/logs/entries", before, signal);
    rows.addBefore(entries);
    empty.hidden = body.rows.length > 0;
  }

  function onState(name, reason) {
    badge.className = `badge ${name === "live" ? "live" : "waiting"}`;
    badge.textContent = name === "live" ? "live" : `reconnecting: ${reason}`;
    say("");
    if (name === "live" && !begun) {
      begun = true;
      showBefore().catch((error) => { if (error.status === undefined) fail(error); });
    }
  }

  pause.addEventListener("click", () => {
    paused = !paused;
    held = 0;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Resume" : "Pause";
    rows.hold(paused);
  });

  replace(main,
    h("section.card", { "aria-label": "State of the stream" },
      h("div.row", {}, badge, rate, h("span.push"), pause,
      h("button", { type: "button", onclick: rows.clear }, "Clear"))),
    gap,
    h("section.card.live", { "aria-label": "Events" }, h("div.scroll", {}, h("table", {},
      h("thead", {},
        h("tr", {},
          heads.map((name) => h(numbers.has(name) ? "th.number" : "th", { scope: "col" }, name)))),
          body)), empty));
  await follow({ path: "/logs/stream", query, signal, onEvent, onState });
}
