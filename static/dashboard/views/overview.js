/** Figures and charts of a window: /logs/overview.  The tables follow: breakdowns.js. */
import { chart, library } from "../lib/chart.js";
import { h, replace } from "../lib/dom.js";
import { axis, change, clock, dollars, integer, milliseconds, percent, perMinute, points, price,
  short } from "../lib/format.js";
import { later } from "../lib/later.js";

const REFRESH_MS = 10000;
const FIRST_RECORD_MS = 1000;

export const tokens = (g) => g.tokens_input + g.tokens_output + g.cache_read_tokens
  + g.cache_write_tokens;
const cacheable = (g) => g.tokens_input + g.cache_read_tokens + g.cache_write_tokens;
export const ratio = (part, whole) => (whole > 0 ? part / whole : 0);

const tiles = [
  { name: "Requests", figure: (g) => short(g.requests), exact: (g) => integer(g.requests),
    of: (g) => g.requests, liked: "none" },
  { name: "Success rate", figure: (g) => percent(g.successes, g.requests),
    of: (g) => ratio(g.successes, g.requests), liked: "up", compare: points },
  { name: "Error rate", figure: (g) => percent(g.errors, g.requests),
    of: (g) => ratio(g.errors, g.requests), liked: "down", compare: points,
    note: (g) => `${short(g.client_errors)} 4xx · ${short(g.server_errors)} 5xx` },
  { name: "Cost", figure: (g) => dollars(g.cost_usd), of: (g) => g.cost_usd, liked: "down",
    note: (g) => (g.unpriced_requests > 0
      ? `${short(g.unpriced_requests)} unpriced`
      : `${price(ratio(g.cost_usd, g.requests))} each`) },
  { name: "Tokens", figure: (g) => short(tokens(g)), exact: (g) => integer(tokens(g)), of: tokens,
    liked: "none",
    note: (g) => `${short(g.tokens_input)} in · ${short(g.tokens_output)} out` },
  { name: "Cache hits", figure: (g) => percent(g.cache_read_tokens, cacheable(g)),
    of: (g) => ratio(g.cache_read_tokens, cacheable(g)), liked: "up", compare: points,
    note: (g) => `${short(g.cache_read_tokens)} of ${short(cacheable(g))}` },
  { name: "Latency", figure: (g) => milliseconds(g.duration_ms_p50), of: (g) => g.duration_ms_p50,
    liked: "down", note: () => "median" },
  { name: "Latency p95", figure: (g) => milliseconds(g.duration_ms_p95),
    of: (g) => g.duration_ms_p95, liked: "down" },
  { name: "Latency p99", figure: (g) => milliseconds(g.duration_ms_p99),
    of: (g) => g.duration_ms_p99, liked: "down" },
  { name: "Per minute", figure: (g, minutes) => perMinute(g.requests / minutes),
    of: (g) => g.requests, liked: "none", note: () => "requests, on average" },
];

function drawTile({ name, figure, exact, of, liked, note, compare = change },
    { summary: now, previous: before, start_time: start, end_time: end }) {
  const moved = before.requests > 0 ? compare(of(now), of(before), liked) : null;
  return h("div.card.tile", {}, h("p.name", {}, name),
    h("p.figure", { title: exact?.(now) }, figure(now, (end - start) / 60)),
    h("p.notes", {},
      moved
        ? h(`span.change.${moved.tone || "same"}`, { title: "against the window before" },
          moved.text)
        : h("span", {}, "nothing before"),
      h("span", {}, note?.(now) ?? "")));
}

const charts = {
  requests: { title: "Requests", stacked: true, format: axis.count, show: integer },
  cost: { title: "Cost by model", stacked: true, format: axis.dollars, show: dollars },
  tokens: { title: "Tokens", stacked: true, format: axis.count, show: integer },
  latency: { title: "Latency", format: axis.milliseconds, show: milliseconds },
};

const each = (every) => {
  const [unit, name] = every % 86400 === 0 ? [86400, "day"]
    : every % 3600 === 0 ? [3600, "hour"]
    : [60, "minute"];
  return every === unit ? `per ${name}` : `per ${every / unit} ${name}s`;
};

/** What each chart shows: names, values and colours that colour-blind people can tell
 * apart (Okabe and Ito). */
function chartData({ series, cost_by_model: cost, every }) {
  const time = series.map((point) => point.time);
  const line = (name, field, colour) =>
    ({ name, colour: `--${colour}`, values: series.map((point) => point[field]) });
  const of = (unit, lines) => ({ time, every, unit, series: lines });
  return {
    requests: of(each(every),
      [line("success", "successes", "ok"), line("4xx", "client_errors", "refused"),
        line("5xx", "server_errors", "failed")]),
    cost: of(`US dollars ${each(every)}`,
      cost.map(({ model, values }, i) =>
        ({ name: model || "(no model)", colour: `--series-${i + 1}`, values }))),
    tokens: of(each(every), [
      line("cache read", "cache_read_tokens", "series-3"),
      line("cache write", "cache_write_tokens", "series-4"),
      line("input", "tokens_input", "series-1"), line("output", "tokens_output", "series-2")]),
    latency: of(`percentiles ${each(every)}`, [
      line("p50", "duration_ms_p50", "series-1"), line("p95", "duration_ms_p95", "series-2"),
      line("p99", "duration_ms_p99", "series-4")]),
  };
}

/** Figures and charts are seen first, and tables follow; a page in the background has no frames. */
const nextFrame = () => new Promise((resolve) => {
  requestAnimationFrame(() => setTimeout(resolve));
  setTimeout(resolve, 100);
});

/** The page's parts; update fills them with an answer. */
function makeParts() {
  const figures = h("div.tiles");
  const plots =
    Object.fromEntries(Object.entries(charts).map(([name, kind]) => [name, chart(kind)]));
  const elements = [figures, h("div.charts", {}, Object.values(plots).map((plot) => plot.element))];

  function update(data) {
    replace(figures, tiles.map((tile) => drawTile(tile, data)));
    for (const [name, shown] of Object.entries(chartData(data))) plots[name].update(shown);
  }
  return { elements, update, tables: null };
}

async function nothing({ stored }, signal) {
  const { emptyStore, emptyWindow } = await import("./empty.js");
  return stored === 0 ? emptyStore() : emptyWindow(signal);
}

export async function draw(main, state, { first, ask, signal, say, fail }) {
  let parts = null;

  async function showTables(data, query) {
    const { breakdowns } = await import("./breakdowns.js");
    if (signal.aborted) return;
    if (!parts.tables) {
      parts.tables = breakdowns();
      main.append(parts.tables.element);
    }
    parts.tables.update(data);
    await parts.tables.loadSessions(query, signal);
  }

  async function show(data) {
    if (data.summary.requests === 0) {
      parts = null;
      replace(main, await nothing(data, signal));
      return;
    }
    if (!parts) {
      parts = makeParts();
      replace(main, parts.elements);
    }
    parts.update(data);
    await Promise.all([library, nextFrame()]);
    performance.mark("overview-drawn");
  }

  async function refresh({ query, answer }) {
    const data = await answer;
    await show(data);
    say(`updated ${clock(new Date())}`);
    if (parts) await showTables(data, query);
    if (state.window !== "custom")
      later(() => refresh(ask()).catch(fail), parts ? REFRESH_MS : FIRST_RECORD_MS, signal);
  }

  await refresh(first);
}
