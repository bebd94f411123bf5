/** How one record is shown: status, and the drawer with every field. */
import { getText } from "./api.js";
import { h } from "./dom.js";
import { dollars, milliseconds, time } from "./format.js";

export function statusMark(code) {
  const tone = code >= 500 ? "bad" : code >= 400 ? "warn" : "good";
  return h(`span.status.${tone}`, {}, String(code ?? "–"));
}

export function timeCell(t) {
  const { text, utc } = time(t);
  return h("time", { title: utc }, text);
}

const shown = {
  timestamp: timeCell,
  status_code: statusMark,
  duration_ms: milliseconds,
  cost_usd: (n) => `${dollars(n)} (${n})`,
};

/** Opens the drawer for a stored request; closes on Escape and gives the focus back. */
export async function openRecord(id) {
  document.querySelector(".drawer")?.remove();
  const from = document.activeElement;
  const drawer = h("aside.drawer", { role: "dialog", "aria-label": `Request ${id}`, tabindex: -1 });
  const close = () => { drawer.remove(); from?.focus?.(); };
  drawer.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  document.body.append(drawer);

  let text;
  try {
    text = await getText(`/logs/entries/${encodeURIComponent(id)}`);
  } catch (error) {
    text = null;
    drawer.append(h("p", { role: "alert" }, `${id}: ${error.message}`));
  }
  const record = text ? JSON.parse(text) : {};
  const { extra = {}, ...row } = record;
  const list = (fields) => h("dl", {}, Object.entries(fields).map(([key, value]) => [
    h("dt", {}, key),
    h("dd", {}, (key in shown ? shown[key](value) : typeof value === "object" ? JSON.stringify(value) : String(value)) || "–"),
  ]));
  const copy = h("button", { type: "button", onclick: async () => {
    await navigator.clipboard.writeText(JSON.stringify(record, null, 2));
    copy.textContent = "Copied";
  } }, "Copy as JSON");

  drawer.append(
    h("div.row", {}, h("h2", {}, "Request"), h("button.push", { type: "button", onclick: close, "aria-label": "Close" }, "✕")),
    text ? copy : "", text ? list(row) : "",
    ...(Object.keys(extra).length ? [h("h2", {}, "extra"), list(extra)] : []));
  drawer.focus();
}
