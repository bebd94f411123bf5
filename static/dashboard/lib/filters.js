/** The bar with the window and the filters. */
import { h, replace } from "./dom.js";
import { time } from "./format.js";
import { filterNames, go, read, span, windows } from "./state.js";

const names = { "15m": "15 min", "1h": "1 h", "24h": "24 h", "7d": "7 days", "30d": "30 days",
  custom: "Custom" };
const statuses = { "": "any", ok: "success", error: "any error", "4xx": "4xx", "5xx": "5xx" };
const texts = [
  ["service_type", "Service type", "a,b or !a"],
  ["model", "Model", "a,b or !a"],
  ["endpoint", "Endpoint", "/v1/messages"],
  ["session", "Session", "client id"],
];

const narrow = matchMedia("(max-width: 640px)");

const toLocal = (seconds) => {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};

let editing = false; // the ends of a custom window

/** The two times; a click on them gives fields, which take a browser longer to make
 * than all else in the bar. */
function custom(state) {
  const { start, end } = span(state);
  const field = (name, label, seconds) => h("label", {}, label, h("input", {
    type: "datetime-local", name, value: toLocal(seconds),
    onchange: (event) => {
      const time = Math.floor(new Date(event.target.value).getTime() / 1000);
      if (event.target.value) go({ [name]: time });
    },
  }));
  const fields = () => [field("from", "From", start), field("to", "To", end)];
  const show = () => {
    editing = true;
    range.replaceWith(...fields());
    document.querySelector('.filters input[name="from"]').focus();
  };
  const [from, to] = [time(start), time(end)];
  const range =
    h("button.range",
      { type: "button", title: `${from.utc} – ${to.utc}; click to change it`, onclick: show },
      `${from.text} – ${to.text}`);
  return editing ? fields() : [range];
}

function choose(name) {
  const { start, end } = span(read());
  editing = name === "custom";
  go(name === "custom"
    ? { window: name, from: Math.floor(start), to: Math.floor(end) }
    : { window: name, from: null, to: null });
}

/** What the text fields offer, by the name of the filter. */
export function suggest(name, values) {
  const list = document.getElementById(`known-${name}`);
  if (list)
    replace(list, values.filter(Boolean).slice(0, 50).map((value) => h("option", { value })));
}

export const hasFilters = (state = read()) => filterNames.some((name) => state[name]);

/** Draws the bar; without times for views that show what is happening now. */
export function drawFilters(form, state, { times = true } = {}) {
  const buttons = Object.entries(names).map(([name, text]) => h("button", {
    type: "button", "aria-pressed": String(state.window === name), onclick: () => choose(name),
  }, text));
  const inputs = texts.map(([name, label, placeholder]) => h("label", {}, label,
    h("input", {
      name, placeholder, list: `known-${name}`, value: state[name] ?? "", autocomplete: "off",
      spellcheck: "false",
      onchange: (event) => go({ [name]: event.target.value.trim() }),
    }),
    document.getElementById(`known-${name}`) ?? h("datalist", { id: `known-${name}` })));
  const status = h("label", {}, "Status",
    h("select", { name: "status", onchange: (event) => go({ status: event.target.value }) },
    Object.entries(statuses)
      .map(([value, label]) =>
        h("option", { value, selected: (state.status ?? "") === value }, label))));
  const count = filterNames.filter((name) => state[name]).length;
  const clear =
    h("button",
      { type: "button",
        onclick: () => go(Object.fromEntries(filterNames.map((name) => [name, null]))) }, "Clear");

  replace(form,
    times ? h("div.windows", { role: "group", "aria-label": "Window" }, buttons) : null,
    times && state.window === "custom" ? custom(state) : null,
    h("details.more", { open: !narrow.matches || form.querySelector("details")?.open },
      h("summary", {}, count ? `Filters (${count})` : "Filters"),
      h("div.inputs", {}, inputs, status, count ? clear : null)));
  form.onsubmit = (event) => event.preventDefault();
}
