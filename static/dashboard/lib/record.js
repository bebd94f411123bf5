/** How one record is shown: status, time, and the drawer with every field. */
import { getText } from "./api.js";
import { h, replace } from "./dom.js";
import { dollars, milliseconds, time } from "./format.js";
import { go } from "./state.js";

export function statusMark(code) {
  const tone = code >= 500 ? "bad" : code >= 400 ? "warn" : "good";
  return h(`span.status.${tone}`, {}, String(code ?? "–"));
}

export function timeCell(t) {
  const { text, utc } = time(t);
  return h("time", { title: utc }, text);
}

/** The attributes of a row that opens a record, by pointer or keys. */
export function opens(id) {
  const open = () => openRecord(id);
  return { tabindex: 0, onclick: open, onkeydown: (event) => {
    const row = event.currentTarget;
    const next =
      { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
    if (event.key !== "Enter" && !next) return;
    event.preventDefault(); // else Enter would also press the button that has the focus next
    if (next) next.focus();
    else open();
  } };
}

const shown = {
  timestamp: (t) => [timeCell(t), ` · ${time(t).utc.replace(" (UTC)", "")}`],
  status_code: statusMark,
  duration_ms: (n) => (n > 0 ? `${milliseconds(n)} (${n})` : "–"),
  cost_usd: (n) => (n === null ? "–" : `${dollars(n)} (${n})`),
};

function field([name, value]) {
  const text = value !== null && typeof value === "object"
    ? JSON.stringify(value)
    : String(value ?? "");
  return [h("dt", {}, name), h("dd", {}, ...[shown[name]?.(value) ?? (text || "–")].flat())];
}

const list = (fields) => h("dl", {}, Object.entries(fields).flatMap(field));

/** Without a secure context, as on another machine's plain http, there is no clipboard but this. */
function copyByHand(text, near) {
  const area = h("textarea", { value: text, "aria-hidden": "true" });
  near.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

function copyButton(text) {
  const button = h("button", { type: "button", onclick: async () => {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyByHand(text, button.parentElement);
    button.textContent = "Copied";
  } }, "Copy JSON");
  return button;
}

function content(text, close) {
  const { extra, ...row } = JSON.parse(text);
  const session = row.session_client_id;
  const source = extra?.cost_source;
  if (row.cost_usd === 0 && source !== "reported" && source !== "computed") row.cost_usd = null;
  return [
    h("div.row", {}, copyButton(text), session ? h("button", { type: "button", onclick: () => {
      close();
      go({ view: "sessions", session });
    } }, "Its session") : null),
    list(row),
    ...(extra && Object.keys(extra).length ? [h("h3", {}, "extra"), list(extra)] : []),
  ];
}

/** Opens the drawer for a stored request.  The browser closes it on Escape and gives
 * the focus back. */
export async function openRecord(id) {
  const dialog = h("dialog.drawer", { "aria-label": `Request ${id}` });
  const close = () => dialog.close();
  const body = h("div", {}, h("p.quiet", {}, "Loading …"));
  dialog.append(h("div.row", {}, h("h2", {}, "Request"),
    h("button.push", { type: "button", onclick: close, "aria-label": "Close" }, "✕")), body);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) close(); });
  document.body.append(dialog);
  dialog.showModal();
  try {
    replace(body, content(await getText(`/logs/entries/${encodeURIComponent(id)}`), close));
  } catch (error) {
    replace(body,
      h("p", { role: "alert" }, error.status === 404
        ? `There is no request ${id} any more.`
        : error.message));
  }
}
