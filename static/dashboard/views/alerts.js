/** Rules and budgets of config.lua, as they are now. */
import { get } from "../lib/api.js";
import { h, message, replace } from "../lib/dom.js";
import { dollars, percent, time } from "../lib/format.js";
import { later } from "../lib/later.js";
import { sortable } from "../lib/table.js";

const REFRESH_MS = 5000;

const tones = {
  ok: "good", pending: "warn", warning: "warn", firing: "bad", exceeded: "bad", error: "bad",
};
// What wants to be looked at stands above.
const urgency = ["ok", "no_data", "pending", "warning", "error", "firing", "exceeded"];

const mark = (row) => h(`span.status.${tones[row.state] ?? "quiet"}`, {}, row.state);
const named = (group) => Object.entries(group).map(([key, value]) => `${key} ${value}`).join(", ");
const number = (n) => (n === null ? "–" : String(Number(n.toPrecision(4))));
const since = (t) => (t === null ? "–" : h("span", { title: time(t).utc }, time(t).text));

const withKeys = (rows, group) => rows.map((row) => ({
  ...row, key: `${row.name} ${named(group(row))}`, urgency: urgency.indexOf(row.state),
}));

const name = (row, group) =>
  h("span", { title: row.message ?? row.summary }, row.name, " ",
    h("small", {}, row.message ?? named(group)));

const alertColumns = [
  { key: "key", head: "Rule", cell: (row) => name(row, row.group) },
  { key: "urgency", head: "State", number: true, cell: mark },
  { key: "value", head: "Value", number: true, cell: (row) => number(row.value) },
  { key: "threshold", head: "Threshold", number: true, minor: true,
    cell: (row) => `${row.is} ${number(row.threshold)}` },
  { key: "since", head: "Since", number: true, minor: true, cell: (row) => since(row.since) },
];

const budgetColumns = [
  { key: "key", head: "Budget", cell: (row) => name(row, row.scope) },
  { key: "urgency", head: "State", number: true, cell: mark },
  { key: "spent", head: "Spent", number: true, cell: (row) => dollars(row.spent) },
  { key: "limit", head: "Limit", number: true,
    cell: (row) => `${dollars(row.limit)} a ${row.period}` },
  { key: "share", head: "Share", number: true, minor: true, cell: (row) => percent(row.share, 1) },
  { key: "projected", head: "At its end", number: true, minor: true,
    cell: (row) => (row.projected === null ? "–" : dollars(row.projected)) },
];

export async function draw(main, state, { signal, say, fail }) {
  const alerts = sortable({ caption: "Alerts", key: "key", sort: "urgency", bar: "none",
    columns: alertColumns, empty: "config.lua has no rules." });
  const budgets = sortable({ caption: "Budgets", key: "key", sort: "share", bar: "share",
    columns: budgetColumns, empty: "config.lua has no budgets, or nobody has spent of one." });

  let isShown = null;

  function show(isAny) {
    if (isAny === isShown) return;
    isShown = isAny;
    replace(main, isAny ? [alerts.element, budgets.element]
      : message("Nothing to watch yet", h("p", {},
        "alerts and budgets in config.lua say what is watched; lua/alerting/README.md shows how. "
          + "A budget of each user is here once somebody has spent of it.")));
  }

  async function refresh() {
    const [a, b] = await Promise.all([get("/alerts", null, signal), get("/budgets", null, signal)]);
    alerts.update(withKeys(a.alerts, (row) => row.group));
    budgets.update(withKeys(b.budgets, (row) => row.scope));
    show(a.alerts.length + b.budgets.length > 0);
    later(() => refresh().catch(fail), REFRESH_MS, signal);
  }

  await refresh();
  say("");
}
