/** Entry: tabs, filters, and the view that the URL names. */
import "./lib/chart.js"; // uPlot comes meanwhile
import { get, Refused, token } from "./lib/api.js";
import { h, message, replace } from "./lib/dom.js";
import { drawFilters } from "./lib/filters.js";
import { go, link, onChange, parameters, read } from "./lib/state.js";

const RETRY_MS = 2000;
const DISK_SOON_MS = 1000; // when the first view is there
const DISK_MS = 10 * 60 * 1000;
const SOON_MS = 150;

const views = {
  overview: { name: "Overview", asks: "/logs/overview", load: () => import("./views/overview.js") },
  live: { name: "Live", load: () => import("./views/live.js"), times: false },
  requests: { name: "Requests", load: () => import("./views/requests.js") },
  sessions: { name: "Sessions", load: () => import("./views/sessions.js") },
  alerts: { name: "Alerts", load: () => import("./views/alerts.js"), filters: false },
  system: { name: "System", load: () => import("./views/system.js"), filters: false },
};

const main = document.getElementById("main");
const tabs = document.getElementById("tabs");
const form = document.getElementById("filters");
const status = document.getElementById("connection");
const trouble = document.getElementById("trouble");
let leave = null; // what the view in force must do before it goes: abort requests, close a stream
let shown = null; // its name
let turn = 0;

function drawTabs(state) {
  const elsewhere = (view) => ({ view, order_by: null, order: null });
  replace(tabs, Object.entries(views).map(([view, { name }]) => h("a", {
    href: link(elsewhere(view)),
    "aria-current": view === state.view ? "page" : null,
    onclick: (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      go(elsewhere(view));
    },
  }, name)));
}

function askForToken(problem) {
  const input = h("input",
    { name: "token", type: "password", autocomplete: "off", "aria-label": "Token", size: 32 });
  const submit = (event) => {
    event.preventDefault();
    token.set(input.value.trim());
    show(read());
  };
  replace(main,
    message("This server asks for a token", h("p", {}, problem),
      h("p", {}, "It is kept for this tab only."),
    h("form.row.centred", { onsubmit: submit }, input, h("button", { type: "submit" }, "Use it"))));
  shown = null;
  input.focus();
}

const again = () => h("button", { type: "button", onclick: () => show(read()) }, "Try again");

function showRefusal(error) {
  const slow = error.status === 503 && error.message.startsWith("query too slow");
  const title = slow ? "This would take too long" : `The server answered ${error.status}`;
  const help = slow
    ? "These filters are answered by reading every row of the window. "
      + "A shorter window, or fewer filters, is quick."
    : error.message;
  const shorter = h("button",
    { type: "button", onclick: () => go({ window: "1h", from: null, to: null }) }, "Show 1 hour");
  replace(main,
    h("section.card.message.bad", { role: "alert" }, h("h2", {}, title), h("p", {}, help),
    h("div.row.centred", {}, slow ? shorter : null, again())));
  shown = null;
}

/** The server is gone: what is there stays, and the page tries until it is back. */
function wait() {
  const mine = turn;
  say("not connected", "bad");
  trouble.hidden = false;
  trouble.textContent =
    "The server does not answer. Trying again every two seconds; what is shown may be old.";
  setTimeout(() => { if (mine === turn) show(read()); }, RETRY_MS);
}

function fail(error) {
  if (error.name === "AbortError") return;
  if (error instanceof Refused && (error.status === 401 || error.status === 403))
    askForToken(error.message);
  else if (error instanceof Refused) showRefusal(error);
  else if (error instanceof TypeError && error.message.includes("fetch")) wait();
  else {
    showRefusal(new Refused("nothing that this page understands", error.message));
    throw error;
  }
}

function say(text, tone = "") {
  status.textContent = text;
  status.className = tone;
  trouble.hidden = true;
}

/** A page that is drawn together with its answer is laid out once instead of twice. */
const soon = (answer) =>
  Promise.race(
    [answer.catch(() => {}), new Promise((resolve) => { setTimeout(resolve, SOON_MS); })]);

async function show(state) {
  turn += 1;
  const mine = turn;
  const name = state.view in views ? state.view : "overview";
  const view = views[name];
  leave?.();
  const abort = new AbortController();
  leave = () => abort.abort();
  const ask = () => {
    const query = parameters(state);
    return { query, answer: get(view.asks, query, abort.signal) };
  };
  // on its way while the page is drawn and the view is loaded
  const first = view.asks ? ask() : null;
  const loaded = view.load();
  // who waits for it is told
  for (const promise of [first?.answer, loaded]) promise?.catch(() => {});
  if (first && shown === null) await soon(first.answer);
  if (mine !== turn) return;
  drawTabs({ ...state, view: name });
  document.title = `${view.name} · Moonledger`;
  if (shown !== name) replace(main);
  shown = name;
  main.setAttribute("aria-busy", "true");
  form.hidden = view.filters === false;
  if (view.filters !== false) drawFilters(form, state, { times: view.times !== false });
  try {
    const { draw } = await loaded;
    if (mine !== turn) return;
    await draw(main, state,
      { first, ask, signal: abort.signal, say,
        fail: (error) => { if (mine === turn) fail(error); } });
  } catch (error) {
    if (mine === turn) fail(error);
  }
  if (mine === turn) main.removeAttribute("aria-busy");
}

/** Whether the disk will soon be full.  Who may not know, or has no store, is not told. */
async function lookAtDisk() {
  const disk = document.getElementById("disk");
  const { warning } = await get("/-/retention").catch(() => ({ warning: null }));
  disk.hidden = !warning;
  disk.textContent = warning ?? "";
  setTimeout(lookAtDisk, DISK_MS);
}

setTimeout(lookAtDisk, DISK_SOON_MS);
onChange(show);
matchMedia("(prefers-color-scheme: dark)")
  .addEventListener("change", () => { shown = null; show(read()); });
show(read());
