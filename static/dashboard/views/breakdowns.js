/** The overview's tables: models, service types, endpoints, and sessions from /logs/sessions. */
import { get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { suggest } from "../lib/filters.js";
import { milliseconds, percent, short, spent } from "../lib/format.js";
import { go } from "../lib/state.js";
import { sortable } from "../lib/table.js";
import { ratio, tokens } from "./overview.js";

const ROWS = 8;

function breakdown(caption, key, { negatable = false, filter = key } = {}) {
  const name = (row) => [
    h("button.link",
      { type: "button", disabled: !row[key], onclick: () => go({ [filter]: row[key] }) },
      row[key] || "(none)"),
    negatable && row[key]
      ? h("button.link.without",
        { type: "button", "aria-label": `Without ${row[key]}`, title: `Without ${row[key]}`,
      onclick: () => go({ [filter]: `!${row[key]}` }) }, "≠") : null];
  return sortable({
    caption, key, sort: "requests", bar: "requests", few: ROWS,
    columns: [
      { key, head: "Name", cell: name },
      { key: "requests", head: "Requests", number: true, cell: (row) => short(row.requests) },
      { key: "error_rate", head: "Errors", number: true,
        cell: (row) => percent(row.errors, row.requests) },
      { key: "cost_usd", head: "Cost", number: true, cell: spent },
      { key: "tokens", head: "Tokens", number: true, minor: true,
        cell: (row) => short(row.tokens) },
      ...(key === "session_client_id" ? [] : [
        { key: "duration_ms_p50", head: "p50", number: true, minor: true,
          cell: (row) => milliseconds(row.duration_ms_p50) },
        { key: "duration_ms_p95", head: "p95", number: true, minor: true,
          cell: (row) => milliseconds(row.duration_ms_p95) }]),
    ],
  });
}

const withSums = (rows) =>
  rows.map((row) => ({ ...row, tokens: tokens(row), error_rate: ratio(row.errors, row.requests) }));

export function breakdowns() {
  const tables = {
    model: breakdown("Models", "model", { negatable: true }),
    service_type: breakdown("Service types", "service_type", { negatable: true }),
    endpoint: breakdown("Endpoints", "endpoint"),
    session_client_id: breakdown("Sessions", "session_client_id", { filter: "session" }),
  };
  const sessionTable = tables.session_client_id;
  const stackOf = (...names) => h("div.stack", {}, names.map((name) => tables[name].element));

  function update(data) {
    for (const [name, rows] of Object.entries(data.breakdowns)) {
      tables[name].update(withSums(rows));
      suggest(name, rows.map((row) => row[name]));
    }
  }

  async function loadSessions(query, signal) {
    try {
      const { sessions } = await get("/logs/sessions", query, signal);
      sessionTable.update(withSums(sessions));
    } catch (error) {
      if (error.status !== 503) throw error;
      sessionTable.say("Too slow for this window and these filters.");
    }
  }

  return {
    element: h("div.tables", {}, stackOf("model", "endpoint"),
      stackOf("service_type", "session_client_id")),
    update, loadSessions,
  };
}
