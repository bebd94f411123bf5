/** The live view, on servers of its own. */
import { same, until } from "./browser.mjs";
import { startServer, withServer } from "./server.mjs";

const events = (prefix, count, more = {}) =>
  Array.from({ length: count },
    (_, i) => ({ request_id: `${prefix}-${i}`, model: `${prefix}-${i}`, duration_ms: 5, ...more }));
const models = (page) => page.locator("tbody tr td:nth-child(3)").allTextContents();
const isLive = (page) => page.waitForSelector(".badge.live");

const withLiveServer = (body) => withServer(body, {}, { query: "?view=live" });

export const cases = {
  "live: events arrive, newest first, after those of before": withLiveServer(
      async ({ server, open }) => {
    await server.ingest(events("before", 2));
    const { page } = await open();
    await isLive(page);
    await until(page, () => document.querySelectorAll("tbody tr").length === 2);
    await server.ingest(events("now", 3));
    await until(page, () => document.querySelectorAll("tbody tr").length === 5);
    same(["now-2", "now-1", "now-0"], (await models(page)).slice(0, 3), "rows");
  }),

  "live: what is stored and then told by the stream is one row": withLiveServer(
      async ({ server, open }) => {
    const [early] = events("early", 1, { timestamp: Date.now() / 1000 });
    const { page } = await open({
      before: (page) => page.route("**/logs/entries*",
        (route) => route.fulfill({ json: { entries: [early] } })),
    });
    await until(page, () => document.querySelectorAll("tbody tr").length === 1);
    await server.ingest([early, ...events("now", 1)]);
    await until(page, () => document.querySelector("tbody tr td:nth-child(3)")?.textContent
      === "now-0");
    same(["now-0", "early-0"], await models(page), "rows");
  }),

  "live: filters hold": withLiveServer(async ({ server, open }) => {
    const { page } = await open({ query: "?view=live&service_type=!b" });
    await isLive(page);
    await server.ingest(
      [...events("b", 2, { service_type: "b" }), ...events("a", 1, { service_type: "a" })]);
    await until(page, () => document.querySelectorAll("tbody tr").length > 0);
    same(["a-0"], await models(page), "rows");
  }),

  "live: a pause holds what comes, and resuming shows it": withLiveServer(
      async ({ server, open }) => {
    const { page } = await open();
    await isLive(page);
    await page.getByRole("button", { name: "Pause" }).click();
    await server.ingest(events("held", 3));
    await page.getByRole("button", { name: "Resume (3 new)" }).waitFor();
    same([], await models(page), "rows while paused");
    await page.getByRole("button", { name: /Resume/ }).click();
    await until(page, () => document.querySelectorAll("tbody tr").length === 3);
  }),

  "live: the rows stay few whatever comes, and the newest is on top": withLiveServer(
      async ({ server, open }) => {
    const { page } = await open();
    await isLive(page);
    for (let i = 0; i < 5; i += 1) await server.ingest(events(`wave-${i}`, 1000));
    await until(page, () => document.querySelector("tbody tr td:nth-child(3)")?.textContent
      === "wave-4-999");
    const shown = await models(page);
    same(200, shown.length, "rows");
    same(Array.from({ length: 200 }, (_, i) => `wave-4-${999 - i}`), shown, "their order");
  }),

  "live: after a restart it goes on in order, with what was stored meanwhile": async (test) => {
    const { openAt, close } = test;
    const first = await startServer();
    const { page } = await openAt(first.url, {
      query: "?view=live",
      expected: /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED)/,
    });
    await isLive(page);
    await first.ingest(events("one", 2));
    await until(page, () => document.querySelectorAll("tbody tr").length === 2);
    await first.stop();
    await page.waitForSelector('.badge:has-text("reconnecting: the server")');
    const second = await startServer({ port: first.port, folder: first.folder });
    try {
      await second.ingest(events("two", 2));
      await isLive(page);
      await second.ingest(events("three", 1));
      await until(page, () => document.querySelectorAll("tbody tr").length >= 5);
      same(["three-0", "two-1", "two-0", "one-1", "one-0"], await models(page), "rows");
    } finally {
      await close();
      await second.end();
    }
  },

  "live: a gap is told with its size": withLiveServer(async ({ open }) => {
    const gap = 'data: {"type":"overflow","dropped":7,"timestamp":1}\n\n';
    const { page } = await open({
      before: (page) => page.route("**/logs/stream*",
        (route) => route.fulfill({ contentType: "text/event-stream", body: gap })),
    });
    await page.waitForSelector("text=A gap of 7 events");
    await page.waitForSelector(".badge.waiting"); // each answer ends, so it is live for moments
  }),

  "live: a refused filter is told by its name": withLiveServer(async ({ open }) => {
    const refused = { detail: [{ type: "ranges", loc: ["query", "status_code"],
      msg: "Input should be whole numbers" }] };
    const { page } = await open({
      expected: /status of 422/,
      before: (page) => page.route("**/logs/stream*",
        (route) => route.fulfill({ status: 422, json: refused })),
    });
    await page.getByText("query.status_code: Input should be whole numbers").waitFor();
  }),
};
