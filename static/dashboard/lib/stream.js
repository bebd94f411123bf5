/** Server-sent events over fetch(), so that a token travels in a header (WHATWG HTML,
 * "Server-sent events"). */
import { Refused, request } from "./api.js";

const RETRY_MS = [250, 500, 1000, 2000, 4000];
const SILENCE_MS = 40000; // the server breaks each silence after 15 s

/** Yields {id, data} per event block of a response body; a block without data only moves the id. */
async function* blocks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split(/\r?\n\r?\n/);
    rest = parts.pop();
    for (const part of parts) {
      const block = { id: null, data: [] };
      for (const line of part.split(/\r?\n/)) {
        if (line.startsWith("id:")) block.id = line.slice(3).trim();
        else if (line.startsWith("data:")) block.data.push(line.slice(5).replace(/^ /, ""));
      }
      yield block;
    }
  }
}

const open = (path, query, last, signal) =>
  request(`${path}?${query}`, { signal, headers: last ? { "last-event-id": last } : {} });

const pause = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

/** Follows a stream until signal aborts; after a break it resumes behind the last
 * event that it got.
 * @param {{path: string, query: URLSearchParams, signal: AbortSignal, onEvent:
 * (event: object) => void, onState: (state: "live"|"reconnecting", reason?: string)
 * => void}} s */
export async function follow({ path, query, signal, onEvent, onState }) {
  let last = null;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const silence = new AbortController();
    let timer = null;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(new Error("nothing heard for 40 s")), SILENCE_MS);
    };
    try {
      const response = await open(path, query, last, AbortSignal.any([signal, silence.signal]));
      onState("live");
      heard();
      for await (const block of blocks(response.body)) {
        heard();
        attempt = 0;
        if (block.id) last = block.id;
        if (block.data.length) onEvent(JSON.parse(block.data.join("\n")));
      }
      onState("reconnecting", "the server closed the stream");
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && error.status < 500) throw error;
      onState("reconnecting", error instanceof TypeError
        ? "the server does not answer"
        : error.message);
    } finally {
      clearTimeout(timer);
    }
    await pause(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)], signal);
  }
}
