/** What a view without requests shows: the way to some. */
import { get } from "../lib/api.js";
import { h, message } from "../lib/dom.js";
import { hasFilters } from "../lib/filters.js";
import { go } from "../lib/state.js";

const DAY = 86400;

/** How to fill an empty store. */

export function emptyStore() {
  const origin = location.origin;
  return h("section.card.message", {},
    h("h2", {}, "No requests yet"),
    h("p", {}, "This page turns live with the first record. Send one:"),
    h("pre", {},
      `curl -sS ${origin}/logs/ingest -H 'content-type: application/json' \\\n`
        + `  -d '{"model":"claude-sonnet-4-5","tokens_input":12,"tokens_output":842,`
        + `"cost_usd":0.0127,"duration_ms":3980}'`),
    h("p", {}, "or point Claude Code at it:"),
    h("pre", {},
      "export CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_LOGS_EXPORTER=otlp OTEL_METRICS_EXPORTER=otlp\n"
        + "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf "
        + `OTEL_EXPORTER_OTLP_ENDPOINT=${origin}`));
}

/** The newest request may be of another year, as those of an import are. */
export async function emptyWindow(signal) {
  const { results: [newest] } = await get("/logs/query", "limit=1", signal);
  if (!newest) return emptyStore();
  const to = Math.floor(Date.parse(newest.timestamp) / 1000) + 1;
  return message("Nothing in this window",
    hasFilters() ? h("p", {}, "No request in it matches these filters.") : null,
    h("p", {}, `The newest request of all is of ${newest.timestamp.slice(0, 10)}.`),
    h("button",
      { type: "button", onclick: () => go({ window: "custom", from: to - DAY, to }) },
      "Show the day up to it"));
}
