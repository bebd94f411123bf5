/** Stored requests: sorted by the server, a page at a time by cursor. */
import { get, headers } from "../lib/api.js";
import { h, message, replace } from "../lib/dom.js";
import { dollars, integer, milliseconds } from "../lib/format.js";
import { openRecord, statusMark, timeCell } from "../lib/record.js";
import { go, parameters } from "../lib/state.js";

const PAGE = 100;
const KEY = "moonledger.columns";

const columns = {
  timestamp: { head: "Time", cell: timeCell, tag: "td.time" },
  status_code: { head: "Status", cell: statusMark },
  method: { head: "Method" },
  model: { head: "Model", tag: "td.wide" },
  endpoint: { head: "Endpoint", tag: "td.wide" },
  service_type: { head: "Service type", tag: "td.wide" },
  duration_ms: { head: "Duration", cell: milliseconds, tag: "td.number" },
  tokens_input: { head: "Input", cell: integer, tag: "td.number" },
  tokens_output: { head: "Output", cell: integer, tag: "td.number" },
  cache_read_tokens: { head: "Cache read", cell: integer, tag: "td.number" },
  cache_write_tokens: { head: "Cache write", cell: integer, tag: "td.number" },
  cost_usd: { head: "Cost", cell: dollars, tag: "td.number" },
  session_client_id: { head: "Session", tag: "td.wide" },
  client_ip: { head: "Client", tag: "td.wide" },
  user_agent: { head: "User agent", tag: "td.wide" },
  request_id: { head: "Request id", tag: "td.wide" },
};
const usual = ["timestamp", "status_code", "model", "endpoint", "service_type", "duration_ms", "tokens_input", "tokens_output", "cost_usd"];

const chosen = () => JSON.parse(localStorage.getItem(KEY) ?? "null") ?? usual;

function columnChoice(redraw) {
  const boxes = Object.entries(columns).map(([key, { head }]) => h("label.row", {}, h("input", {
    type: "checkbox", checked: chosen().includes(key), onchange: (event) => {
      const next = Object.keys(columns).filter((k) => (k === key ? event.target.checked : chosen().includes(k)));
      localStorage.setItem(KEY, JSON.stringify(next));
      redraw();
    },
  }), head));
  return h("details", {}, h("summary", {}, "Columns"), h("div.row", {}, boxes));
}

/** Saves the filtered set through fetch, because a link could not carry the token. */
async function download(state, format, button) {
  const query = parameters(state);
  query.set("format", format);
  button.disabled = true;
  try {
    const response = await fetch(`/logs/export?${query}`, { headers: headers() });
    if (!response.ok) throw new Error(response.statusText);
    const url = URL.createObjectURL(await response.blob());
    h("a", { href: url, download: `moonledger.${format}` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  } finally {
    button.disabled = false;
  }
}

export async function draw(main, state, { signal, say, fail }) {
  const by = state.order_by in columns ? state.order_by : "timestamp";
  const descending = state.order !== "asc";
  const cursors = [null]; // of the pages before and at the one shown
  const count = h("span.quiet.number");
  const body = h("tbody");
  const head = h("tr");
  const older = h("button", { type: "button", onclick: () => turn(1) }, "Next ›");
  const newer = h("button", { type: "button", onclick: () => turn(-1) }, "‹ Previous");
  let page = { entries: [] };
  let total = null;

  function drawRows() {
    head.replaceChildren(...chosen().map((key) => h(`th${columns[key].tag === "td.number" ? ".number" : ""}`, {
      scope: "col", "aria-sort": key === by ? (descending ? "descending" : "ascending") : null,
    }, h("button", { type: "button", onclick: () => go({ order_by: key, order: key === by && descending ? "asc" : null }) }, columns[key].head))));
    body.replaceChildren(...page.entries.map((row) => {
      const open = () => openRecord(row.request_id);
      return h("tr", { tabindex: 0, onclick: open, onkeydown: (event) => { if (event.key === "Enter") open(); } },
        chosen().map((key) => {
          const { cell = String, tag = "td" } = columns[key];
          return h(tag, { title: tag === "td.wide" ? row[key] : null }, cell(row[key]));
        }));
    }));
    newer.disabled = cursors.length < 2;
    older.disabled = !page.next;
    const first = (cursors.length - 1) * PAGE;
    count.textContent = `${integer(page.entries.length ? first + 1 : 0)}–${integer(first + page.entries.length)}${total === null ? "" : ` of ${integer(total)}`}`;
  }

  async function load() {
    const query = parameters(state);
    query.set("limit", PAGE);
    query.set("order_by", by);
    query.set("order_desc", descending);
    const place = cursors.at(-1);
    if (place !== null) query.set(by === "timestamp" ? "cursor" : "offset", place);
    const answer = await get("/logs/entries", query, signal);
    total = answer.total_count ?? total;
    const offset = cursors.length * PAGE;
    const next = by === "timestamp" ? answer.next_cursor : offset < total ? offset : null;
    page = { entries: answer.entries, next: next ?? null };
    drawRows();
    say("");
  }

  function turn(direction) {
    if (direction > 0) cursors.push(page.next);
    else cursors.pop();
    load().catch(fail);
  }

  await load();
  if (page.entries.length === 0) {
    replace(main, message("No request in this window", h("p", {}, "Choose a longer window, or fewer filters.")));
    return;
  }
  const save = (format) => h("button", { type: "button", onclick: (event) => download(state, format, event.target).catch(fail) }, format.toUpperCase());
  replace(main,
    h("section.card", {}, h("div.row", {}, count, newer, older, h("span.push.quiet", {}, "Export"), save("csv"), save("ndjson")), columnChoice(drawRows)),
    h("section.card", {}, h("div.scroll", {}, h("table", {}, h("thead", {}, head), body))));
}
