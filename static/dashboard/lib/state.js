/** What the page shows, kept in the URL, so that a link reproduces the view. */

export const windows = { "15m": 900, "1h": 3600, "24h": 86400, "7d": 604800, "30d": 2592000 };
export const filterNames = ["service_type", "model", "endpoint", "status", "session"];
const statusClasses =
  { ok: [200, 399], "4xx": [400, 499], "5xx": [500, 599], error: [400, undefined] };

const listeners = new Set();

export function read() {
  const query = new URLSearchParams(location.search);
  const state = { view: query.get("view") ?? "overview", window: query.get("window") ?? "24h" };
  for (const name of ["from", "to", "order_by", "order", ...filterNames])
    if (query.has(name)) state[name] = query.get(name);
  if (state.window === "custom" && !(Number(state.from) > 0)) state.window = "24h";
  return state;
}

export function link(changes) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries({ ...read(), ...changes }))
    if (value !== undefined && value !== null && value !== "") query.set(key, value);
  return `${location.pathname}?${query}`;
}

export function go(changes) {
  history.pushState(null, "", link(changes));
  for (const listener of listeners) listener(read());
}

export function onChange(listener) {
  listeners.add(listener);
  window.addEventListener("popstate", () => listener(read()));
}

/** The window in unix seconds. */
export function span(state, now = Date.now() / 1000) {
  if (state.window === "custom") return { start: Number(state.from), end: Number(state.to) || now };
  return { start: now - (windows[state.window] ?? 86400), end: now };
}

/** The filters as the server's query parameters. */
export function parameters(state, { times = true } = {}) {
  const query = new URLSearchParams();
  if (times) {
    const { start, end } = span(state);
    query.set("start_time", start.toFixed(3));
    query.set("end_time", end.toFixed(3));
  }
  for (const name of ["service_type", "model", "endpoint"])
    if (state[name]) query.set(name, state[name]);
  if (state.session) query.set("session_client_id", state.session);
  const [least, most] = statusClasses[state.status] ?? [];
  if (least) query.set("status_code_min", least);
  if (most) query.set("status_code_max", most);
  return query;
}
