/** What the page does when there is nothing, no server, no library or no time. */
import { check, figure, same, until } from "./browser.mjs";
import { startServer, withServer } from "./server.mjs";

export const cases = {
  "an empty store says how to fill it, and turns live with the first record": withServer(
      async ({ server, open }) => {
    const { page } = await open();
    await page.waitForSelector("text=No requests yet");
    check((await page.textContent("pre")).includes(`${server.url}/logs/ingest`),
      "no command to copy");
    await server.ingest([{ request_id: "first", model: "m", cost_usd: 1.25 }]);
    await page.waitForSelector(".tile");
    same("$1.25", await figure(page, "Cost"), "cost");
  }),

  "a window without requests leads to the newest": withServer(async ({ server, open }) => {
    await server.ingest([{ timestamp: "2020-05-05T12:00:00.7Z" }, { timestamp: "2020-05-03" }]);
    const { page } = await open();
    await page.getByRole("button", { name: "Show the day up to it" }).click();
    same("1", await figure(page, "Requests"), "requests");
    const { page: requests } = await open({ query: "?view=requests&model=none" });
    await requests.waitForSelector("text=matches these filters");
    await requests.waitForSelector("text=newest request of all is of 2020-05-05");
  }),

  "a server that is gone is told, and found again": async ({ openAt, close }) => {
    const first = await startServer();
    await first.ingest([{ model: "m" }]);
    const { page } =
      await openAt(first.url, { query: "?window=1h", expected: /ERR_CONNECTION_REFUSED/ });
    // the last answer that it waits for
    await page.waitForSelector('section[aria-label="Sessions"] tbody tr');
    await first.stop();
    await page.getByRole("button", { name: "24 h" }).click();
    await page.waitForSelector("text=The server does not answer");
    same(10, await page.locator(".tile").count(), "tiles still shown");
    const second = await startServer({ port: first.port, folder: first.folder });
    try {
      await until(page, () => document.getElementById("trouble").hidden);
    } finally {
      await close();
      await second.end();
    }
  },

  "a query that takes too long says what to do": withServer(async ({ open }) => {
    const slow = { status: 503, contentType: "application/json",
      body: '{"detail":"query too slow: narrow the window"}' };
    const { page } =
      await open({ query: "?window=30d", expected: /status of 503/,
        before: (page) => page.route("**/logs/overview*", (route) => route.fulfill(slow)) });
    await page.waitForSelector("text=This would take too long");
    await page.unroute("**/logs/overview*");
    await page.getByRole("button", { name: "Show 1 hour" }).click();
    await page.waitForSelector("text=No requests yet");
  }),

  "without the chart library the figures are there": withServer(async ({ server, open }) => {
    await server.ingest([{ model: "m" }]);
    const { page } =
      await open({ expected: /ERR_FAILED/,
        before: (page) => page.route("**/uPlot.iife.min.js", (route) => route.abort()) });
    await page.waitForSelector("text=Charts are missing");
    same("1", await figure(page, "Requests"), "requests");
  }),

  "the figures do not wait for the chart library, and the charts follow it": withServer(
      async ({ server, open }) => {
    await server.ingest([{ model: "m" }]);
    let figures = null;
    const { page } =
        await open({ before: (page) => page.route("**/uPlot.iife.min.js", async (route) => {
      figures = await page.waitForSelector(".tile").catch(() => null);
      await route.continue();
    }) });
    check(figures, "no figures before the library is there");
    await page.waitForSelector("canvas");
  }),

  "the first answer is asked for before the view is there": withServer(async ({ open }) => {
    let asked = null;
    const { page } = await open({ before: (page) => {
      const request = page.waitForRequest("**/logs/overview*").catch(() => null);
      return page.route("**/views/overview.js", async (route) => {
        asked = await request;
        await route.continue();
      });
    } });
    await page.waitForSelector("text=No requests yet");
    check(asked, "nothing was asked");
  }),

  "what a client sent is text, never markup": withServer(async ({ server, open }) => {
    const text = "<img src=x onerror=alert(1)>";
    await server.ingest(
      [{ request_id: text, model: text, endpoint: text, service_type: text, session_client_id: text,
        note: text }]);
    for (const view of ["overview", "live", "requests", "sessions"]) {
      const { page } = await open({ query: `?view=${view}` });
      await page.waitForSelector(`td:has-text("onerror")`);
      if (view === "requests") {
        await page.locator("tbody tr").first().click();
        await page.waitForSelector(".drawer dd:has-text('onerror')");
      }
      same(0, await page.locator("img").count(), `images in ${view}`);
    }
  }),
};
