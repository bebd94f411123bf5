/** Shows /openapi.json, and asks its GET routes with the parameters that the reader fills in. */
import { get, headers, token } from "/dashboard/lib/api.js";
import { h, message, replace } from "/dashboard/lib/dom.js";

const SHOWN = 100_000; // characters
const READ = 4_000_000; // of JSON, which is laid out as a whole

const main = document.getElementById("main");

const groupOf = (path) => path.split("/")[1];

function kindOf({ type, minimum, maximum, ...schema }) {
  const bounds = minimum !== undefined || maximum !== undefined
    ? ` ${minimum ?? "…"} to ${maximum ?? "…"}`
    : "";
  return type + bounds
    + (schema.default === undefined || schema.default === "" ? "" : `, else ${schema.default}`);
}

function choices(name, values) {
  return h("select", { name }, h("option", { value: "" }, ""),
    ...values.map((value) => h("option", {}, String(value))));
}

function inputFor({ name, required, schema }) {
  if (schema.enum) return choices(name, schema.enum);
  if (schema.type === "boolean") return choices(name, [true, false]);
  return h("input", {
    name, required, placeholder: schema.default,
    inputmode: schema.type === "string" ? null : "decimal",
  });
}

const field = (parameter) =>
  h("label", {}, h("span", {}, h("b", {}, parameter.name), ` ${kindOf(parameter.schema)}`),
  inputFor(parameter), parameter.description);

/** The path with its {names} and query filled in; what was left empty is left out. */
function target(path, parameters, form) {
  const query = new URLSearchParams();
  for (const { name, in: place } of parameters) {
    const value = form.elements[name].value;
    if (place === "path") path = path.replace(`{${name}}`, () => encodeURIComponent(value));
    else if (value !== "") query.set(name, value);
  }
  return query.size ? `${path}?${query}` : path;
}

const isJson = (response) =>
  /^application\/(\w+\+)?json/.test(response.headers.get("content-type"));
const start =
  (text) => (text.length > SHOWN ? `${text.slice(0, SHOWN)}\n… the answer goes on` : text);

/** The start of an answer, whatever its length; a stream goes on until it is stopped. */
async function read(response, show, signal) {
  const json = isJson(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (text.length <= (json ? READ : SHOWN)) {
    const { done, value } = await reader.read();
    if (done) return start(json ? JSON.stringify(JSON.parse(text), null, 2) : text);
    text += value;
    if (!signal.aborted) show(start(text));
  }
  await reader.cancel();
  return start(text);
}

function trial(path, parameters) {
  const heading = h("h3", { role: "status" });
  const output = h("pre", { tabindex: 0, "aria-label": "Answer" });
  const answer = h("div.answer", { hidden: true }, heading, output);
  const stop =
    h("button", { type: "button", hidden: true, onclick: () => running.abort() }, "Stop");
  let running = new AbortController();

  async function ask(event) {
    event.preventDefault();
    running.abort();
    const mine = running = new AbortController();
    const url = target(path, parameters, form);
    const show = (text) => { if (mine === running) output.textContent = text; };
    answer.hidden = stop.hidden = false;
    heading.textContent = `GET ${url}`;
    show("");
    try {
      const response = await fetch(url, { headers: headers(), signal: mine.signal });
      if (mine === running)
        heading.textContent = `GET ${url}: ${response.status} ${response.statusText}`;
      show(await read(response, show, mine.signal));
    } catch (error) {
      if (error.name !== "AbortError") show(error.message);
    }
    if (mine === running) stop.hidden = true;
  }

  const form = h("form", { onsubmit: ask }, h("div.fields", {}, ...parameters.map(field)),
    h("div.row", {}, h("button", {}, "Ask"), stop), answer);
  return form;
}

function facts({ requestBody, responses, security }) {
  const answers = Object.entries(responses).map(([status, { description, content }]) =>
    `${status}: ${[...Object.keys(content ?? {}), description].join(", ")}`);
  const rows = [
    ["takes", requestBody && Object.keys(requestBody.content).join(", ")],
    ["answers", answers.map((line) => h("div", {}, line))],
    ["token", security ? "as a bearer token, where the server asks for one" : "none"],
  ];
  return h("dl.facts", {}, ...rows.filter(([, value]) => value).flatMap(([name, value]) =>
    [h("dt", {}, name), h("dd", {}, ...[value].flat())]));
}

function parameterList(parameters) {
  return parameters.length > 0
      && h("dl.facts", {}, ...parameters.flatMap(({ name, schema, description }) =>
    [h("dt", {}, name), h("dd", {}, [kindOf(schema), description].filter(Boolean).join(". "))]));
}

/** Closed it is one line; what is inside is made when it is opened. */
function route(path, method, operation) {
  const inside = h("div");
  const fill = () => {
    if (inside.childElementCount > 0) return;
    const { parameters } = operation;
    replace(inside, operation.description && h("p", {}, operation.description), facts(operation),
      method === "get" ? trial(path, parameters) : parameterList(parameters));
  };
  const details = h("details.card.route", { id: operation.operationId, ontoggle: fill },
    h("summary", {}, h(`span.method.${method}`, {}, method.toUpperCase()), h("code", {}, path),
      h("span.says", {}, operation.summary)),
    inside);
  return details;
}

/** Routes by the first word of their path, the largest group first. */
function groups(paths) {
  const found = new Map();
  for (const [path, methods] of Object.entries(paths)) {
    const name = groupOf(path);
    const routes = Object.entries(methods)
      .map(([method, operation]) => route(path, method, operation));
    found.set(name, [...(found.get(name) ?? []), ...routes]);
  }
  const sorted = [...found].sort(([, a], [, b]) => b.length - a.length);
  return sorted.map(([name, routes]) => h("section.group", {}, h("h2", {}, `/${name}`), ...routes));
}

function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named?.matches("details")) named.open = true;
}

async function show() {
  try {
    const { info, paths } = await get("/openapi.json");
    replace(main,
      h("p.intro", {}, `${info.description} Version ${info.version}. `,
        h("a", { href: "/openapi.json" }, "openapi.json")),
      ...groups(paths));
    openNamed();
  } catch (error) {
    replace(main, message("The description did not come", h("p", {}, error.message)));
  }
}

document.getElementById("token").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = event.target.elements.token;
  token.set(input.value.trim());
  input.value = "";
  input.placeholder = token.get() ? "in use, for this tab only" : "token, where one is needed";
});
window.addEventListener("hashchange", openNamed);
show();
