/** What an empty store shows: how to fill it. */
import { h } from "../lib/dom.js";

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
        + "export OTEL_EXPORTER_OTLP_PROTOCOL=http/json "
        + `OTEL_EXPORTER_OTLP_ENDPOINT=${origin}`));
}
