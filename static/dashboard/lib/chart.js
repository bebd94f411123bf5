/** Time series on uPlot, in the page's colours. */
import { h } from "./dom.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const colours = (count) => Array.from({ length: count }, (_, i) => css(`--series-${(i % 7) + 1}`));

const zone = new Intl.DateTimeFormat(undefined, { month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false });
const HEIGHT = 200;

/** Sums each series on top of those before it: stacked areas are drawn from the last one down. */
function stack(columns) {
  const sums = columns[0].map(() => 0);
  return columns.map((column) => column.map((value, i) => (sums[i] += value ?? 0)));
}

/** @param {{title: string, unit: string, time: number[], series: {name: string, values: number[], colour?: string}[],
 *  format: (n: number) => string, stacked?: boolean}} chart */
export function chart({ title, unit, time, series, format, stacked = false }) {
  const box = h("div.chart");
  const card = h("section.card", { "aria-label": title }, h("h2", {}, `${title} `, h("small", {}, unit)), box);
  const palette = colours(series.length);
  const columns = series.map((s) => s.values);
  const drawn = stacked ? stack(columns) : columns;
  const order = stacked ? [...series.keys()].reverse() : [...series.keys()];
  const axis = { stroke: css("--quiet"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line") } };

  const options = {
    width: 400,
    height: HEIGHT,
    cursor: { y: false },
    legend: { live: true },
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
    axes: [
      { ...axis, space: 70 },
      { ...axis, size: 64, values: (_, splits) => splits.map((n) => format(n)) },
    ],
    series: [
      { value: (_, t) => (t === null ? "–" : zone.format(new Date(t * 1000))) },
      ...order.map((i) => ({
        label: series[i].name,
        stroke: series[i].colour ?? palette[i],
        fill: stacked ? series[i].colour ?? palette[i] : undefined,
        width: stacked ? 0.5 : 1.6,
        points: { show: time.length < 3 },
        value: (_, __, ___, index) => (index === null || columns[i][index] == null ? "–" : format(columns[i][index])),
      })),
    ],
  };
  const data = [time, ...order.map((i) => drawn[i])];
  requestAnimationFrame(() => {
    const plot = new window.uPlot(options, data, box);
    const fit = () => plot.setSize({ width: Math.max(box.clientWidth, 200), height: HEIGHT });
    new ResizeObserver(fit).observe(box);
    fit();
  });
  return card;
}
