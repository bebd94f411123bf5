/** Sessions, users and keys by what they cost; a session opens into its models and requests. */
import { get } from "../lib/api.js";
import { h, message, replace } from "../lib/dom.js";
import { dollars, integer, milliseconds, percent, short } from "../lib/format.js";
import { go, parameters } from "../lib/state.js";
import { sortable } from "../lib/table.js";

const columns = (key, head) => [
  { key, head, wide: true, cell: (row) => row[key] || "(none)" },
  { key: "requests", head: "Requests", number: true, cell: (row) => integer(row.requests) },
  { key: "errors", head: "Errors", number: true, cell: (row) => percent(row.errors, row.requests) },
  { key: "cost_usd", head: "Cost", number: true, cell: (row) => dollars(row.cost_usd) },
  { key: "tokens", head: "Tokens", number: true, cell: (row) => short(row.tokens) },
  { key: "duration_ms", head: "Time in requests", number: true, cell: (row) => milliseconds(row.duration_ms) },
];

function total(rows) {
  for (const row of rows) row.tokens = row.tokens_input + row.tokens_output + row.cache_read_tokens + row.cache_write_tokens;
  return rows;
}

export async function draw(main, state, { signal, say }) {
  const { sessions, models } = await get("/logs/sessions", parameters(state), signal);
  say("");
  if (sessions.length === 0) {
    replace(main, message("No session in this window", h("p", {}, "Records carry their session as session_client_id.")));
    return;
  }
  replace(main,
    state.session
      ? h("section.card", {}, h("div.row", {}, h("h2", {}, `Session ${state.session}`),
        h("button.push", { type: "button", onclick: () => go({ view: "requests" }) }, "Its requests"),
        h("button", { type: "button", onclick: () => go({ session: null }) }, "All sessions")))
      : null,
    sortable({ caption: "Sessions", rows: total(sessions), sort: "cost_usd", bar: "cost_usd", columns: columns("session_client_id", "Session"),
      onRow: (row) => go({ session: row.session_client_id }) }),
    models ? sortable({ caption: "Models of this session", rows: total(models), sort: "cost_usd", bar: "cost_usd", columns: columns("model", "Model") }) : null);
}
