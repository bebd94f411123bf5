/** Stored requests: sorted by the server, a page at a time; by time pages go by
 * cursor, as fast at any depth. */
import { get, request, token } from "../lib/api.js";
import { h, replace } from "../lib/dom.js";
import { duration, integer, price } from "../lib/format.js";
import { opens, statusMark, timeCell } from "../lib/record.js";
import { go, parameters } from "../lib/state.js";
import { emptyWindow } from "./empty.js";

const PAGE = 100;
const KEY = "moonledger.columns";

const columns = {
  timestamp: { head: "Time", cell: timeCell, tag: "td.time" },
  status_code: { head: "Status", cell: statusMark },
  method: { head: "Method" },
  model: { head: "Model", tag: "td.wide" },
  endpoint: { head: "Endpoint", tag: "td.wide" },
  service_type: { head: "Service type", tag: "td.wide" },
  duration_ms: { head: "Duration", cell: duration, tag: "td.number" },
  tokens_input: { head: "Input", cell: integer, tag: "td.number" },
  tokens_output: { head: "Output", cell: integer, tag: "td.number" },
  cache_read_tokens: { head: "Cache read", cell: integer, tag: "td.number" },
  cache_write_tokens: { head: "Cache write", cell: integer, tag: "td.number" },
  cost_usd: { head: "Cost", cell: price, tag: "td.number" },
  session_client_id: { head: "Session", tag: "td.wide" },
  client_ip: { head: "Client", tag: "td.wide" },
  user_agent: { head: "User agent", tag: "td.wide" },
  request_id: { head: "Request id", tag: "td.wide" },
};
const usual = matchMedia("(max-width: 640px)").matches
  ? ["timestamp", "status_code", "model", "duration_ms", "cost_usd"]
  : ["timestamp", "status_code", "model", "endpoint", "service_type", "duration_ms", "tokens_input",
    "tokens_output", "cost_usd"];

function chosen() {
  const names = JSON.parse(localStorage.getItem(KEY) ?? "[]").filter((name) => name in columns);
  return names.length ? names : usual;
}

function columnChoice(redraw) {
  const boxes = Object.entries(columns).map(([key, { head }]) => h("label", {}, h("input", {
    type: "checkbox", name: key, checked: chosen().includes(key), onchange: (event) => {
      const before = chosen();
      localStorage.setItem(KEY,
        JSON.stringify(Object.keys(columns)
          .filter((k) => (k === key ? event.target.checked : before.includes(k)))));
      redraw();
    },
  }), head));
  return h("details.choice", {}, h("summary", {}, "Columns"), h("div.columns", {}, boxes));
}

/** Saves the filtered set through fetch, because a link cannot carry a token. */
async function save(path, name) {
  const url = URL.createObjectURL(await (await request(path)).blob());
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function exportOf(filters, format, fail) {
  const query = new URLSearchParams(filters);
  query.set("format", format);
  const path = `/logs/export?${query}`;
  const name = `moonledger.${format}`;
  if (!token.get()) return h("a.button", { href: path, download: name }, format.toUpperCase());
  return h("button", { type: "button", onclick: (event) => {
    const button = event.target;
    button.disabled = true;
    save(path, name).catch(fail).finally(() => { button.disabled = false; });
  } }, format.toUpperCase());
}

/** The pages of one answer: the filters stay those of its first page, though time goes on. */
function makePages(filters, by, descending, signal) {
  // where each page up to the one shown begins: a cursor, or by other columns an offset
  const places = [null];
  let total = null;
  let entries = [];
  let next = null;

  async function load() {
    const query = new URLSearchParams(filters);
    query.set("limit", PAGE);
    query.set("order_by", by);
    query.set("order_desc", descending);
    query.set("fields", Object.keys(columns)); // with them what is unknown is null
    const place = places.at(-1);
    if (place !== null) query.set(by === "timestamp" ? "cursor" : "offset", place);
    const answer = await get("/logs/entries", query, signal);
    const offset = places.length * PAGE;
    total = answer.total_count ?? total;
    entries = answer.entries;
    next = by === "timestamp" ? answer.next_cursor : offset < total ? offset : null;
  }

  return {
    load,
    turn: (direction) => {
      if (direction > 0) places.push(next);
      else places.pop();
      return load();
    },
    shown: () => {
      const first = (places.length - 1) * PAGE;
      return { entries, total, from: entries.length ? first + 1 : 0, to: first + entries.length,
        isFirst: first === 0, isLast: next === null };
    },
  };
}

export async function draw(main, state, { signal, say, fail }) {
  const by = state.order_by in columns ? state.order_by : "timestamp";
  const descending = state.order !== "asc";
  const filters = parameters(state);
  const pages = makePages(filters, by, descending, signal);
  const count = h("span.number", { role: "status" });
  const body = h("tbody");
  const head = h("tr");
  const older = h("button", { type: "button", onclick: () => turn(1) }, "Next ›");
  const newer = h("button", { type: "button", onclick: () => turn(-1) }, "‹ Previous");

  const drawHead = (key) => h(columns[key].tag === "td.number" ? "th.number" : "th", {
    scope: "col", "aria-sort": key === by ? (descending ? "descending" : "ascending") : null,
  },
    h("button",
      { type: "button",
        onclick: () => go({ order_by: key, order: key === by && descending ? "asc" : null }) },
          columns[key].head));

  const drawRow = (row) => h("tr", opens(row.request_id), chosen().map((key) => {
    const { cell = String, tag = "td" } = columns[key];
    return h(tag, { title: tag === "td.wide" ? row[key] : null }, cell(row[key]));
  }));

  function drawPage() {
    const { entries, total, from, to, isFirst, isLast } = pages.shown();
    replace(head, chosen().map(drawHead));
    body.replaceChildren(...entries.map(drawRow));
    newer.disabled = isFirst;
    older.disabled = isLast;
    count.textContent = `${integer(from)}–${integer(to)} of ${integer(total ?? to)}`;
    say("");
  }

  async function turn(direction) {
    newer.disabled = true;
    older.disabled = true;
    try {
      await pages.turn(direction);
      drawPage();
    } catch (error) {
      fail(error);
    }
  }

  await pages.load();
  drawPage();
  if (pages.shown().total === 0) {
    replace(main, await emptyWindow(signal));
    return;
  }
  replace(main,
    h("section.card", { "aria-label": "Page, columns and export" },
      h("div.row", {}, newer, older, count,
      h("button", { type: "button", onclick: () => go({}) }, "Refresh"),
      h("span.push", {}), columnChoice(drawPage), h("span.quiet.minor", {}, "Export"),
      exportOf(filters, "csv", fail), exportOf(filters, "ndjson", fail))),
    h("section.card", { "aria-label": "Requests" },
      h("div.scroll", {}, h("table", {}, h("thead", {}, head), body))));
}
