/** The stream as it comes: newest first, at most ROWS rows, drawn once per frame. */
import { h, replace } from "../lib/dom.js";
import { dollars, integer, milliseconds, short } from "../lib/format.js";
import { openRecord, statusMark, timeCell } from "../lib/record.js";
import { parameters } from "../lib/state.js";
import { follow } from "../lib/stream.js";

const ROWS = 200;
const RATE_SECONDS = 5;

const heads = ["Time", "Status", "Model", "Endpoint", "Service type", "Duration", "Tokens", "Cost"];
const numbers = new Set(["Duration", "Tokens", "Cost"]);

function line({ type, data, timestamp }) {
  const open = () => openRecord(data.request_id);
  const text = (tag, value) => h(tag, { title: value ?? "" }, value ?? "");
  const tokens = (data.tokens_input ?? 0) + (data.tokens_output ?? 0);
  const row = h("tr", type === "request_complete" ? { tabindex: 0, onclick: open, onkeydown: (e) => { if (e.key === "Enter") open(); } } : {},
    h("td.time", {}, timeCell(timestamp)),
    h("td", {}, type === "request_start" ? h("span.quiet", {}, "start") : type === "request_error" ? h("span.status.bad", {}, data.error_type ?? "error") : statusMark(data.status_code)),
    text("td.wide", data.model), text("td.wide", data.endpoint ?? data.path), text("td.wide", data.service_type),
    h("td.number", {}, data.duration_ms === undefined ? "" : milliseconds(data.duration_ms)),
    h("td.number", {}, tokens ? short(tokens) : ""),
    h("td.number", {}, data.cost_usd === undefined ? "" : dollars(data.cost_usd)));
  row.classList.add("arrived");
  return row;
}

export async function draw(main, state, { signal, say }) {
  const badge = h("span.badge.waiting", { role: "status" }, "connecting");
  const rate = h("span.quiet.number", {}, "0 events/s");
  const gap = h("p.card.notice", { hidden: true, role: "status" });
  const body = h("tbody");
  const pause = h("button", { type: "button", "aria-pressed": "false" }, "Pause");
  const empty = h("p.quiet", {}, "Waiting for the first event.");
  const pending = [];
  const perSecond = [];
  let paused = false;
  let scheduled = false;
  let skipped = 0;
  let held = 0;

  function flush() {
    scheduled = false;
    if (paused) return;
    const rows = pending.splice(0).slice(-ROWS).reverse().map(line);
    if (rows.length === 0) return;
    empty.hidden = true;
    body.prepend(...rows);
    while (body.rows.length > ROWS) body.lastElementChild.remove();
  }

  function schedule() {
    if (scheduled || paused) return;
    scheduled = true;
    requestAnimationFrame(flush);
  }

  function onEvent(event) {
    if (event.type === "overflow") {
      skipped += event.dropped ?? 0;
      gap.hidden = false;
      gap.textContent = `A gap: ${integer(skipped)} events were skipped because this page or its connection was too slow. They are in Requests.`;
    } else if (event.type.startsWith("request_")) {
      perSecond[perSecond.length - 1] += 1;
      pending.push(event);
      if (pending.length > ROWS) pending.splice(0, pending.length - ROWS);
      if (paused) pause.textContent = `Resume (${integer(held += 1)} new)`;
      schedule();
    }
  }

  function onState(name, reason) {
    badge.className = `badge ${name === "live" ? "live" : "waiting"}`;
    badge.textContent = name === "live" ? "live" : `reconnecting: ${reason}`;
    say(name === "live" ? "live" : "reconnecting", name === "live" ? "" : "bad");
  }

  pause.addEventListener("click", () => {
    paused = !paused;
    held = 0;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Resume" : "Pause";
    schedule();
  });
  perSecond.push(0);
  const clock = setInterval(() => {
    const seen = perSecond.reduce((sum, n) => sum + n, 0);
    rate.textContent = `${short(seen / perSecond.length)} events/s`;
    perSecond.push(0);
    if (perSecond.length > RATE_SECONDS) perSecond.shift();
  }, 1000);
  signal.addEventListener("abort", () => clearInterval(clock), { once: true });

  replace(main,
    h("section.card", {}, h("div.row", {}, badge, rate, h("span.push"), pause,
      h("button", { type: "button", onclick: () => { body.replaceChildren(); } }, "Clear"))),
    gap,
    h("section.card", {}, h("div.scroll", {}, h("table", {},
      h("thead", {}, h("tr", {}, heads.map((name) => h(`th${numbers.has(name) ? ".number" : ""}`, { scope: "col" }, name)))), body)), empty));
  await follow({ path: "/logs/stream", query: parameters(state, { times: false }), signal, onEvent, onState });
}
