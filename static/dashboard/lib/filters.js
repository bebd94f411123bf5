/** The bar with the window and the filters. */
import { h, replace } from "./dom.js";
import { go, read, windows } from "./state.js";

const names = { "15m": "15 min", "1h": "1 h", "24h": "24 h", "7d": "7 days", "30d": "30 days", custom: "Custom" };
const statuses = { "": "any", ok: "success", error: "any error", "4xx": "4xx", "5xx": "5xx" };
const texts = [
  ["service_type", "Service type", "a,b or !a"],
  ["model", "Model", "exact name"],
  ["endpoint", "Endpoint", "/v1/messages"],
  ["session", "Session", "client id"],
];

const toLocal = (seconds) => {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};

function custom(state) {
  const now = Math.floor(Date.now() / 1000);
  const field = (name, label, fallback) => h("label", {}, label, h("input", {
    type: "datetime-local",
    value: toLocal(Number(state[name]) || fallback),
    onchange: (event) => { if (event.target.value) go({ [name]: Math.floor(new Date(event.target.value).getTime() / 1000) }); },
  }));
  return [field("from", "From", now - 86400), field("to", "To", now)];
}

function choose(name) {
  const now = Math.floor(Date.now() / 1000);
  go(name === "custom" ? { window: name, from: now - 86400, to: now } : { window: name, from: null, to: null });
}

export function drawFilters(form, state, { times = true } = {}) {
  const buttons = [...Object.keys(windows), "custom"].map((name) => h("button", {
    type: "button", "aria-pressed": String(state.window === name), onclick: () => choose(name),
  }, names[name]));
  const inputs = texts.map(([name, label, placeholder]) => h("label", {}, label, h("input", {
    name, placeholder, size: 14, value: state[name] ?? "", onchange: (event) => go({ [name]: event.target.value.trim() }),
  })));
  const status = h("label", {}, "Status", h("select", { name: "status", onchange: (event) => go({ status: event.target.value }) },
    Object.entries(statuses).map(([value, label]) => h("option", { value, selected: (state.status ?? "") === value }, label))));
  const any = ["service_type", "model", "endpoint", "status", "session"].some((name) => state[name]);

  replace(form,
    times ? h("div.windows", { role: "group", "aria-label": "Window" }, buttons) : null,
    times && state.window === "custom" ? custom(state) : null,
    inputs, status,
    any ? h("button", { type: "button", onclick: () => go({ service_type: null, model: null, endpoint: null, status: null, session: null }) }, "Clear") : null);
  form.onsubmit = (event) => event.preventDefault();
}

export const hasFilters = (state = read()) => ["service_type", "model", "endpoint", "status", "session"].some((name) => state[name]);
