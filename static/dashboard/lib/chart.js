/** Time series on uPlot, in the page's colours. */
import { h, replace } from "./dom.js";
import { moment, timeAxis } from "./format.js";
import { go } from "./state.js";

const HEIGHT = 180;
const HALF_LABEL = 24;
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Sums each series on top of those before it; the sums are drawn from the last one down. */
function stack(columns) {
  const sums = columns[0].map(() => 0);
  return columns.map((column) => column.map((value, i) => (sums[i] += value ?? 0)));
}

/** A time so near the right end that its label would be cut off has none. */
const whole = (plot, times, _, space, step) =>
  times.map((t) => ((plot.scales.x.max - t) / step * space < HALF_LABEL ? null : t));

function axes(format) {
  const look = { stroke: css("--quiet"), font: "12px system-ui, sans-serif",
    ticks: { show: false } };
  return [
    { ...look, grid: { show: false }, space: 64, size: 28, filter: whole,
      values: (_, splits, __, ___, step) => timeAxis(splits, step) },
    { ...look, grid: { stroke: css("--line"), width: 1 }, space: 36,
      size: (_, labels) => 14 + 7 * Math.max(3, ...(labels ?? []).map((label) => label.length)),
      values: (_, splits) => splits.map(format) },
  ];
}

/** One outline a series is drawn sooner than a rectangle a bucket. */
const steps = () => window.uPlot.paths.stepped({ align: 1 });

function lineOf({ name, colour }, stacked) {
  const stroke = css(colour);
  return stacked ? { label: name, fill: stroke, width: 0, paths: steps(), points: { show: false } }
    : { label: name, stroke, width: 1.75, points: { size: 4, fill: stroke } };
}

/** The bucket under the pointer; undefined beside them all. */
function bucketAt(plot, { time, every }) {
  const x = plot.posToVal(plot.cursor.left, "x");
  const i = time.findLastIndex((start) => start <= x);
  return x < time[i] + every ? i : undefined;
}

/** The box beside the pointer: time, and each series with its value, the topmost first. */
function drawTip(tip, plot, data) {
  const { time, every, series, show } = data;
  const i = bucketAt(plot, data);
  if (i === undefined) return;
  const rows = [...series].reverse().map(({ name, colour, values }) => h("tr", {},
    h("td", {}, h("i.swatch", { "--colour": `var(${colour})` }), name),
    h("td.number", {}, values[i] === null ? "–" : show(values[i]))));
  const utc = new Date(time[i] * 1000).toISOString().replace(":00.000Z", " UTC").replace("T", " ");
  replace(tip, h("p", {}, moment(new Date(time[i] * 1000)), h("small", {}, ` · ${utc}`)),
    h("table", {}, rows));
  const room = plot.over.clientWidth;
  const left = plot.cursor.left > room / 2
    ? plot.cursor.left - tip.offsetWidth - 14
    : plot.cursor.left + 14;
  const inside = Math.max(-plot.over.offsetLeft, Math.min(left, room - tip.offsetWidth));
  tip.style.setProperty("--left", `${plot.over.offsetLeft + inside}px`);
  tip.dataset.every = every;
}

/** When uPlot is loaded it makes a number format and asks for the time zone's name;
 * here it needs neither, and the real Intl would take its time (format.js). */
const quickIntl = {
  NumberFormat: class { format = String; },
  DateTimeFormat: class { resolvedOptions = () => ({}); },
};

/** Settled when uPlot is there, or never will be. */
export const library = new Promise((resolve) => {
  const { Intl } = window;
  const done = () => {
    window.Intl = Intl;
    resolve();
  };
  window.Intl = quickIntl;
  document.head.append(
    h("script", { src: "/dashboard/vendor/uPlot.iife.min.js", onload: done, onerror: done }));
});

/** A card with a chart; its update takes new data.  A stretch that is dragged over
 * becomes the window, if it selects.
 * @param {{title: string, stacked?: boolean, selects?: boolean, format: (n: number)
 * => string, show: (n: number) => string}} kind format is the axis's, show the exact
 * value's */
export function chart({ title, stacked = false, selects = true, format, show }) {
  const unit = h("small");
  const legend = h("ul.legend");
  const tip = h("div.tip", { hidden: true });
  const box = h("div.chart", { role: "img" }, tip);
  const element = h("section.card.plot", { "aria-label": title }, h("h2", {}, `${title} `, unit),
    legend, box);
  let plot = null;
  let shown = null;
  let width = 0;

  const options = () => ({
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 4, 0, 0],
    cursor: {
      y: false,
      points: { show: !stacked },
      drag: { x: selects, y: false, setScale: false },
      sync: {
        key: "page", filters: { pub: (type) => type === "mousemove" || type === "mouseleave" },
      },
    },
    scales: {
      x: { range: () => [shown.time[0], shown.time.at(-1) + shown.every] },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] },
    },
    axes: axes(format),
    series: [{},
      ...(stacked ? [...shown.series].reverse() : shown.series).map((s) => lineOf(s, stacked))],
    hooks: {
      setCursor: [(u) => { if (!tip.hidden) drawTip(tip, u, { ...shown, show }); }],
      setSelect: [(u) => {
        if (u.select.width < 4) return;
        const [from, to] = [u.select.left, u.select.left + u.select.width].map((x) =>
          Math.round(u.posToVal(x, "x")));
        go({ window: "custom", from, to });
      }],
    },
  });

  function columns() {
    const values = shown.series.map((s) => s.values);
    if (stacked) { // and the last bucket ends
      const ended = stack(values).map((column) => [...column, column.at(-1)]);
      return [[...shown.time, shown.time.at(-1) + shown.every], ...ended.reverse()];
    }
    return [shown.time.map((t) => t + shown.every / 2), ...values];
  }

  /** Data, width and uPlot come in any order; the last of them makes the plot. */
  function make() {
    if (plot || !shown || width === 0 || !window.uPlot) return;
    plot = new window.uPlot(options(), columns(), box);
    plot.over.addEventListener("mouseenter", () => { tip.hidden = false; });
    plot.over.addEventListener("mouseleave", () => { tip.hidden = true; });
  }

  function update(data) {
    const same = shown?.series.map((s) => s.name).join("\n")
      === data.series.map((s) => s.name).join("\n");
    shown = data;
    unit.textContent = data.unit;
    box.setAttribute("aria-label",
      `${title}, ${data.unit}: ${data.series.map((s) => s.name).join(", ")}`);
    if (plot && same) {
      plot.setData(columns());
      return;
    }
    replace(legend,
      data.series.map(({ name, colour }) =>
        h("li", { title: name }, h("i.swatch", { "--colour": `var(${colour})` }), name)));
    plot?.destroy();
    plot = null;
    make();
  }

  library.then(() => {
    if (window.uPlot) make();
    else replace(box, h("p.quiet", {}, "Charts are missing: ./run build fetches uPlot with npm."));
  });
  new ResizeObserver(([{ contentRect }]) => {
    width = contentRect.width;
    if (plot && width > 0) plot.setSize({ width, height: HEIGHT });
    else make();
  }).observe(box);
  return { element, update };
}
