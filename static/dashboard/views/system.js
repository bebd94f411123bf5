/** The server itself, and the reset for those who may. */
import { get, post } from "../lib/api.js";
import { chart } from "../lib/chart.js";
import { h, replace } from "../lib/dom.js";
import { axis, bytes, integer, milliseconds, perMinute, time } from "../lib/format.js";
import { later } from "../lib/later.js";
import { retentionFacts } from "../lib/retention.js";

const REFRESH_SECONDS = 2;
const SAMPLES = 90;

function facts(title, entries) {
  return h("section.stack.tight", { "aria-label": title }, h("h2", {}, title),
      h("div.tiles.three", {}, entries.map(([name, figure, note]) =>
    h("div.card.tile", {}, h("p.name", {}, name), h("p.figure", {}, figure),
      h("p.notes", { title: note }, note ?? "")))));
}

function drawFacts(s, rate) {
  const { storage, stream } = s;
  const waited = milliseconds(storage.oldest_queued_seconds * 1000);
  return [
    facts("Ingest", [
      ["Records", rate === null ? "–" : `${perMinute(rate)}/s`,
        `${integer(storage.committed_records)} since the start`],
      ["Queue", bytes(storage.queued_bytes), storage.queued_batches
        ? `${integer(storage.queued_batches)} batches, the oldest waits ${waited}`
        : "nothing waits"],
      ["Last commit", milliseconds(storage.last_commit_seconds * 1000 || null),
        storage.writable ? `durability ${storage.durability}` : "the file cannot be written"],
    ]),
    facts("Store", [
      ["Requests", integer(storage.rows), "stored"],
      ["Database", bytes(storage.file_bytes), `and ${bytes(storage.wal_bytes)} of write-ahead log`],
      ["Ids remembered", integer(storage.ids), "so that repeats are merged"],
    ]),
    s.retention ? facts("Retention", retentionFacts(s.retention)) : null,
    facts("Server", [
      ["Version", s.version, `up since ${time(s.started).text}`],
      ["Code generation", integer(s.generation), s.reload_errors.length
        ? "the last reload was refused"
        : "in force everywhere"],
      ["Live streams", integer(stream.subscribers),
        `${integer(stream.delivered)} events sent, ${integer(stream.dropped)} skipped`],
    ]),
  ];
}

function resetForm(say, fail) {
  const input = h("input", {
    name: "confirmation", "aria-label": "Type RESET to confirm", placeholder: "type RESET",
    autocomplete: "off",
  });
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
  return h("section.card", { "aria-label": "Reset" }, h("h2", {}, "Reset"),
    h("p.quiet", {},
      "Deletes every stored record and its rollups; Prometheus counters keep their values. "
        + "There is no way back."),
    h("form.row", { onsubmit: submit }, input, button));
}

/** Records per second between one look and the next, for the last SAMPLES looks. */
function makeRates() {
  const rates = [];
  let last = null;
  return (s) => {
    const time = Math.round(s.timestamp);
    if (!last)
      for (let i = SAMPLES; i > 0; i -= 1)
        rates.push({ time: time - i * REFRESH_SECONDS, rate: null });
    const seconds = last ? s.timestamp - last.timestamp : 0;
    if (seconds > 0) {
      const more = s.storage.committed_records - last.storage.committed_records;
      rates.push({ time, rate: Math.max(0, more) / seconds });
      rates.shift();
    }
    last = s;
    return rates;
  };
}

export async function draw(main, state, { signal, say, fail }) {
  const shown = h("div.stack");
  const trouble = h("section.card.notice", { hidden: true, role: "alert" });
  const plot = chart({ title: "Ingest", format: axis.count, show: perMinute, selects: false });
  const reset = h("div", {});
  const rates = makeRates();

  function show(s) {
    const points = rates(s);
    replace(shown, drawFacts(s, points.at(-1).rate));
    trouble.hidden = s.reload_errors.length === 0;
    replace(trouble, h("h2", {}, "The last reload was refused; the code before it still serves"),
      h("pre", {}, s.reload_errors.join("\n")));
    if (s.may_reset !== reset.hasChildNodes())
      replace(reset, s.may_reset ? resetForm(say, fail) : null);
    plot.update({ time: points.map((p) => p.time), every: REFRESH_SECONDS,
      unit: "records per second",
      series: [{ name: "stored", colour: "--series-1", values: points.map((p) => p.rate) }] });
  }

  async function refresh() {
    show(await get("/logs/system", null, signal));
    later(() => refresh().catch(fail), REFRESH_SECONDS * 1000, signal);
  }

  await refresh();
  replace(main, trouble, shown, plot.element, reset);
  say("");
}
