/** Sessions, users and keys by what they cost; one opens into its models and its
 * latest requests. */
import { get } from "../lib/api.js";
import { h, message, replace } from "../lib/dom.js";
import { dollars, duration, integer, percent, price, short } from "../lib/format.js";
import { opens, statusMark, timeCell } from "../lib/record.js";
import { go, parameters } from "../lib/state.js";
import { sortable } from "../lib/table.js";

const LATEST = 20;
const FEW = 25;

const columns = (key) => [
  { key, head: "Name", cell: (row) => h("span", {}, row[key] || "(none)") },
  { key: "cost_usd", head: "Cost", number: true, cell: (row) => dollars(row.cost_usd) },
  { key: "requests", head: "Requests", number: true, cell: (row) => integer(row.requests) },
  { key: "error_rate", head: "Errors", number: true,
    cell: (row) => percent(row.errors, row.requests) },
  { key: "tokens", head: "Tokens", number: true, minor: true, cell: (row) => short(row.tokens) },
  { key: "duration_ms", head: "Duration", number: true, minor: true,
    cell: (row) => duration(row.duration_ms) },
];

const withSums = (rows) => rows.map((row) => ({
  ...row,
  tokens: row.tokens_input + row.tokens_output + row.cache_read_tokens + row.cache_write_tokens,
  error_rate: row.requests > 0 ? row.errors / row.requests : 0,
}));

const table = (caption, key, rows, onRow) => {
  const made = sortable({
    caption, key, sort: "cost_usd", bar: "cost_usd", few: FEW, columns: columns(key), onRow,
  });
  made.update(withSums(rows));
  return made.element;
};

const tile = (name, figure, note) =>
  h("div.card.tile", {}, h("p.name", {}, name), h("p.figure", {}, figure), h("p.notes", {}, note));

function figures([group]) {
  const [g] = withSums([group]);
  return h("div.tiles", {},
    tile("Cost", dollars(g.cost_usd), `${price(g.cost_usd / g.requests)} each`),
    tile("Requests", integer(g.requests), `${integer(g.errors)} failed`),
    tile("Tokens", short(g.tokens), `${short(g.tokens_input)} in · ${short(g.tokens_output)} out`),
    tile("Cache", short(g.cache_read_tokens), `read · ${short(g.cache_write_tokens)} written`),
    tile("Time in requests", duration(g.duration_ms),
      `${duration(g.duration_ms / g.duration_known)} each`));
}

function latest(entries) {
  const heads = [["Time"], ["Status"], ["Model"], ["Duration", "number"], ["Cost", "number"]];
  return h("section.card", { "aria-label": "Latest requests" },
    h("div.row", {}, h("h2", {}, "Latest requests"),
      h("button.link.push", { type: "button", onclick: () => go({ view: "requests" }) },
        "All of them")),
    h("div.scroll", {}, h("table", {},
      h("thead", {},
        h("tr", {},
          heads.map(([name, kind]) => h(kind ? `th.${kind}` : "th", { scope: "col" }, name)))),
      h("tbody", {}, entries.map((row) => h("tr", opens(row.request_id),
        h("td.time", {}, timeCell(row.timestamp)), h("td", {}, statusMark(row.status_code)),
        h("td.wide", { title: row.model }, row.model),
        h("td.number", {}, duration(row.duration_ms)),
        h("td.number", {}, price(row.cost_usd))))))));
}

async function drawOne(main, state, query, signal) {
  const newest = new URLSearchParams(query);
  newest.set("limit", LATEST);
  newest.set("order_desc", true);
  newest.set("fields", "request_id,timestamp,status_code,model,duration_ms,cost_usd");
  const [{ sessions, models }, { entries }] = await Promise.all([
    get("/logs/sessions", query, signal), get("/logs/entries", newest, signal)]);
  const head = h("section.card", { "aria-label": "Session" },
    h("div.row", {}, h("h2", {}, `Session ${state.session}`),
    h("button.push", { type: "button", onclick: () => go({ session: null }) }, "All sessions")));
  replace(main, head, sessions.length === 0
      ? message("Nothing in this window", h("p", {}, "Choose a longer window."))
    : [figures(sessions), h("div.tables", {}, table("Models", "model", models), latest(entries))]);
}

export async function draw(main, state, { signal, say }) {
  const query = parameters(state);
  if (state.session) {
    await drawOne(main, state, query, signal);
  } else {
    const { sessions } = await get("/logs/sessions", query, signal);
    const open = (row) => { if (row.session_client_id) go({ session: row.session_client_id }); };
    replace(main, sessions.length
      ? table("Sessions, users and keys", "session_client_id", sessions, open)
      : message("No session in this window",
        h("p", {}, "Records carry their session, user or key as session_client_id.")));
  }
  say("");
}
