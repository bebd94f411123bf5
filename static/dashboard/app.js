/** Entry: tabs, filters, and the view that the URL names. */
import { Refused, token } from "./lib/api.js";
import { h, message, replace } from "./lib/dom.js";
import { drawFilters } from "./lib/filters.js";
import { go, link, onChange, read } from "./lib/state.js";

const views = {
  overview: { name: "Overview", load: () => import("./views/overview.js") },
  live: { name: "Live", load: () => import("./views/live.js"), times: false },
  requests: { name: "Requests", load: () => import("./views/requests.js") },
  sessions: { name: "Sessions", load: () => import("./views/sessions.js") },
  system: { name: "System", load: () => import("./views/system.js"), filters: false },
};

const main = document.getElementById("main");
const tabs = document.getElementById("tabs");
const form = document.getElementById("filters");
const status = document.getElementById("connection");
let leave = null; // what the view in force must do before it goes: abort requests, close a stream
let turn = 0;

function drawTabs(state) {
  replace(tabs, Object.entries(views).map(([view, { name }]) => h("a", {
    href: link({ view, order_by: null, order: null }),
    "aria-current": view === state.view ? "page" : null,
    onclick: (event) => {
      if (event.metaKey || event.ctrlKey) return;
      event.preventDefault();
      go({ view, order_by: null, order: null });
    },
  }, name)));
}

function askForToken(problem) {
  const input = h("input", { type: "password", autocomplete: "off", "aria-label": "Token", size: 32 });
  const submit = (event) => {
    event.preventDefault();
    token.set(input.value.trim());
    show(read());
  };
  replace(main, message("This server asks for a token", h("p", {}, `${problem}. It is kept for this tab only.`),
    h("form", { onsubmit: submit }, input, " ", h("button", { type: "submit" }, "Use it"))));
  input.focus();
}

function fail(error) {
  if (error.name === "AbortError") return;
  if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
    askForToken(error.message);
  } else if (error instanceof Refused) {
    replace(main, h("section.card.message.bad", { role: "alert" }, h("h2", {}, `The server answered ${error.status}`), h("p", {}, error.message),
      h("button", { type: "button", onclick: () => show(read()) }, "Try again")));
  } else {
    say("server gone, trying again", "bad");
    setTimeout(() => { if (status.className === "bad") show(read()); }, 2000);
    if (!main.hasChildNodes())
      replace(main, message("The server does not answer", h("p", {}, "The page tries again every two seconds.")));
  }
}

function say(text, tone = "") {
  status.textContent = text;
  status.className = tone;
}

async function show(state) {
  const mine = ++turn;
  const view = views[state.view] ?? views.overview;
  leave?.();
  leave = null;
  drawTabs(state);
  form.hidden = view.filters === false;
  if (view.filters !== false) drawFilters(form, state, { times: view.times !== false });
  document.title = `${view.name} · Moonledger`;
  try {
    const { draw } = await view.load();
    if (mine !== turn) return;
    const abort = new AbortController();
    leave = () => abort.abort();
    await draw(main, state, { signal: abort.signal, say, fail: (error) => mine === turn && fail(error) });
  } catch (error) {
    if (mine === turn) fail(error);
  }
}

onChange(show);
show(read());
