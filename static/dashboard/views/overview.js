/** Figures, charts and breakdowns of a window, from one request to /logs/overview. */
import { get } from "../lib/api.js";
import { chart } from "../lib/chart.js";
import { h, message, replace } from "../lib/dom.js";
import { change, dollars, milliseconds, percent, short } from "../lib/format.js";
import { hasFilters } from "../lib/filters.js";
import { go, parameters } from "../lib/state.js";
import { sortable } from "../lib/table.js";
import { emptyStore } from "./empty.js";

const REFRESH_MS = 10000;
const FIRST_RECORD_MS = 1000;

const tokens = (g) => g.tokens_input + g.tokens_output + g.cache_read_tokens + g.cache_write_tokens;
const cacheable = (g) => g.tokens_input + g.cache_read_tokens + g.cache_write_tokens;

const tiles = [
  { name: "Requests", figure: (g) => short(g.requests), of: (g) => g.requests, liked: "none" },
  { name: "Success rate", figure: (g) => percent(g.successes, g.requests), of: (g) => g.successes / g.requests, liked: "up" },
  { name: "Error rate", figure: (g) => percent(g.errors, g.requests), of: (g) => g.errors / g.requests, liked: "down" },
  { name: "Cost", figure: (g) => dollars(g.cost_usd), of: (g) => g.cost_usd, liked: "down",
    note: (g) => (g.unpriced_requests > 0 ? `${short(g.unpriced_requests)} without a known price` : null) },
  { name: "Tokens", figure: (g) => short(tokens(g)), of: tokens, liked: "none",
    note: (g) => `${short(g.tokens_input)} in · ${short(g.tokens_output)} out` },
  { name: "Cache hits", figure: (g) => percent(g.cache_read_tokens, cacheable(g)), of: (g) => g.cache_read_tokens / cacheable(g), liked: "up",
    note: (g) => `${short(g.cache_read_tokens)} read · ${short(g.cache_write_tokens)} written` },
  { name: "Latency p50", figure: (g) => milliseconds(g.duration_ms_p50), of: (g) => g.duration_ms_p50, liked: "down" },
  { name: "Latency p95", figure: (g) => milliseconds(g.duration_ms_p95), of: (g) => g.duration_ms_p95, liked: "down" },
  { name: "Latency p99", figure: (g) => milliseconds(g.duration_ms_p99), of: (g) => g.duration_ms_p99, liked: "down" },
];

function tile({ name, figure, of, liked, note }, now, before) {
  const moved = before.requests > 0 ? change(of(now), of(before), liked) : null;
  return h("div.card.tile", {}, h("p.name", {}, name), h("p.figure", {}, figure(now)),
    h("p.note", {}, moved ? h(`span.change.${moved.tone || "same"}`, { title: "against the window before" }, moved.text) : "", moved && note?.(now) ? " · " : "", note?.(now) ?? ""));
}

function drawCharts({ series, cost_by_model: cost, every }) {
  const time = series.map((point) => point.time);
  const column = (name) => series.map((point) => point[name]);
  const each = every % 86400 === 0 ? "per day" : every % 3600 === 0 ? `per ${every === 3600 ? "hour" : `${every / 3600} hours`}` : `per ${every === 60 ? "minute" : `${every / 60} minutes`}`;
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return h("div.charts", {},
    chart({ title: "Requests", unit: each, time, format: short, stacked: true, series: [
      { name: "success", values: column("successes"), colour: css("--series-1") },
      { name: "4xx", values: column("client_errors"), colour: css("--series-2") },
      { name: "5xx", values: column("server_errors"), colour: css("--series-4") },
    ] }),
    chart({ title: "Cost by model", unit: `US dollars ${each}`, time, format: dollars, stacked: true,
      series: cost.map(({ model, values }) => ({ name: model || "(no model)", values })) }),
    chart({ title: "Tokens", unit: each, time, format: short, stacked: true, series: [
      { name: "input", values: column("tokens_input") },
      { name: "output", values: column("tokens_output") },
      { name: "cache read", values: column("cache_read_tokens") },
      { name: "cache write", values: column("cache_write_tokens") },
    ] }),
    chart({ title: "Latency", unit: "percentiles", time, format: milliseconds, series: [
      { name: "p50", values: column("duration_ms_p50"), colour: css("--series-3") },
      { name: "p95", values: column("duration_ms_p95"), colour: css("--series-2") },
      { name: "p99", values: column("duration_ms_p99"), colour: css("--series-4") },
    ] }));
}

function breakdown(caption, key, rows) {
  return sortable({
    caption, rows, sort: "requests", bar: "requests",
    columns: [
      { key, head: caption, cell: (row) => h("button.link", { type: "button", onclick: () => go({ [key]: row[key] }) }, row[key] || "(none)") },
      { key: "requests", head: "Requests", number: true, cell: (row) => short(row.requests) },
      { key: "errors", head: "Errors", number: true, cell: (row) => percent(row.errors, row.requests) },
      { key: "cost_usd", head: "Cost", number: true, cell: (row) => dollars(row.cost_usd) },
      { key: "tokens", head: "Tokens", number: true, cell: (row) => short(row.tokens) },
      { key: "duration_ms_p50", head: "p50", number: true, cell: (row) => milliseconds(row.duration_ms_p50) },
      { key: "duration_ms_p95", head: "p95", number: true, cell: (row) => milliseconds(row.duration_ms_p95) },
    ],
  });
}

function drawAll(main, data) {
  const { summary: now, previous: before, breakdowns } = data;
  if (now.requests === 0) {
    replace(main, data.stored === 0 ? emptyStore()
      : message("Nothing in this window", h("p", {}, hasFilters() ? "No request matches these filters." : "Choose a longer window.")));
    return;
  }
  for (const rows of Object.values(breakdowns)) for (const row of rows) row.tokens = tokens(row);
  replace(main,
    h("div.tiles", {}, tiles.map((t) => tile(t, now, before))),
    drawCharts(data),
    h("div.tables", {},
      breakdown("Model", "model", breakdowns.model),
      breakdown("Service type", "service_type", breakdowns.service_type),
      breakdown("Endpoint", "endpoint", breakdowns.endpoint)));
  performance.mark("overview-drawn");
}

export async function draw(main, state, { signal, say, fail }) {
  async function refresh() {
    const data = await get("/logs/overview", parameters(state), signal);
    drawAll(main, data);
    say(`updated ${new Date().toLocaleTimeString()}`);
    if (state.window === "custom" || signal.aborted) return;
    const timer = setTimeout(() => refresh().catch(fail), data.stored === 0 ? FIRST_RECORD_MS : REFRESH_MS);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }
  await refresh();
}
