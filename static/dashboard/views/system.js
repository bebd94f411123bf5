/** The server itself, from its own metrics; and the reset. */
import { get, post } from "../lib/api.js";
import { h, replace } from "../lib/dom.js";
import { bytes, integer, short, time } from "../lib/format.js";

const REFRESH_MS = 2000;

function facts(title, entries) {
  return h("section.card", {}, h("h2", {}, title), h("div.tiles", {}, entries.map(([name, figure, note]) =>
    h("div.tile", {}, h("p.name", {}, name), h("p.figure", {}, figure), h("p.note", {}, note ?? "")))));
}

function resetForm(say, fail) {
  const input = h("input", { "aria-label": "Type RESET to confirm", placeholder: "type RESET", autocomplete: "off" });
  const button = h("button.danger", { type: "submit", disabled: true }, "Delete all records");
  input.addEventListener("input", () => { button.disabled = input.value !== "RESET"; });
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const answer = await post("/logs/reset");
      input.value = "";
      say(answer.message);
    } catch (error) {
      fail(error);
    }
  };
  return h("section.card", {}, h("h2", {}, "Reset"),
    h("p.quiet", {}, "Deletes every stored record and its rollups. Prometheus counters keep their values. There is no way back."),
    h("form.row", { onsubmit: submit }, input, button));
}

export async function draw(main, state, { signal, say, fail }) {
  const shown = h("div", {}, []);
  let last = null;

  async function refresh() {
    const s = await get("/logs/system", null, signal);
    const seconds = last ? s.timestamp - last.timestamp : 0;
    const rate = seconds > 0 ? (s.storage.committed_records - last.storage.committed_records) / seconds : null;
    last = s;
    replace(shown,
      facts("Ingest", [
        ["Records per second", rate === null ? "–" : short(rate), `${integer(s.storage.committed_records)} since start`],
        ["Queue", bytes(s.storage.queued_bytes), `${integer(s.storage.queued_batches)} batches, oldest ${s.storage.oldest_queued_seconds.toFixed(1)} s`],
        ["Last commit", `${(s.storage.last_commit_seconds * 1000).toFixed(1)} ms`, `durability ${s.storage.durability}`],
      ]),
      facts("Store", [
        ["Records", integer(s.storage.rows)],
        ["Database", bytes(s.storage.file_bytes), `log ${bytes(s.storage.wal_bytes)}`],
        ["Ids remembered", integer(s.storage.ids)],
      ]),
      facts("Server", [
        ["Version", s.version, `up since ${time(s.started).text}`],
        ["Code generation", integer(s.generation), s.reload_error ? "the last reload failed" : "reloads work"],
        ["Stream subscribers", integer(s.stream.subscribers), `${integer(s.stream.dropped)} events skipped by slow ones`],
      ]));
    if (s.reload_error) shown.append(h("section.card.notice", { role: "alert" }, h("h2", {}, "The last reload failed, the code before it still serves"), h("pre", {}, s.reload_error)));
    if (shown.childElementCount && !main.querySelector("form") && s.may_reset) main.append(resetForm(say, fail));
    const timer = setTimeout(() => refresh().catch(fail), REFRESH_MS);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  replace(main, shown);
  shown.className = "stack";
  await refresh();
  say("");
}
