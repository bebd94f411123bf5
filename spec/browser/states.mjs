/** What the page does when there is nothing, no token, no server or no time. */
import { startServer } from "./server.mjs";
import { check, figure, same, until } from "./browser.mjs";

const withServer = (body, options) => async ({ openAt, close }) => {
  const server = await startServer(options);
  try {
    await body({ server, open: (more) => openAt(server.url, more) });
  } finally {
    await close(); // a page that outlives its server complains
    await server.end();
  }
};

const locked =
  { env: { MOONLEDGER_READ_TOKEN: "read-token", MOONLEDGER_ADMIN_TOKEN: "admin-token" } };
const refused = /status of 40[13]/;

async function enter(page, token) {
  await page.fill('input[name="token"]', token);
  await page.getByRole("button", { name: "Use it" }).click();
}

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

  "a window without requests offers a longer one": withServer(async ({ server, open }) => {
    await server.ingest([{ timestamp: Date.now() / 1000 - 5 * 86400 }]);
    const { page } = await open();
    await page.getByRole("button", { name: "Show 30 days" }).click();
    await page.waitForSelector(".tile");
  }),

  "a locked server asks for a token, which is kept for this tab": withServer(async ({ open }) => {
    const { page } = await open({ expected: refused });
    await page.waitForSelector("text=asks for a token");
    await enter(page, "wrong");
    await page.waitForSelector("text=this token is not known");
    await enter(page, "read-token");
    await page.waitForSelector("text=No requests yet");
    await page.reload();
    await page.waitForSelector("text=No requests yet");
    same(0, (await page.context().cookies()).length, "cookies");
    check(!page.url().includes("token"), "the token is in the URL");
  }, locked),

  "with a token the export comes with it": withServer(async ({ server, open }) => {
    await server.ingest([{ request_id: "=1+1", model: "=cmd()" }], "admin-token");
    const { page } = await open({ query: "?view=requests", expected: refused });
    await enter(page, "read-token");
    const [file] =
      await Promise.all(
        [page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
    const line = (await (await file.createReadStream()).toArray()).join("").split("\r\n")[1];
    check(line.startsWith("'=1+1,") && line.includes("'=cmd()"), `formulas stand there: ${line}`);
  }, locked),

  "the reset is hidden from those who may not": withServer(async ({ open }) => {
    const { page } = await open({ query: "?view=system", expected: refused });
    await enter(page, "read-token");
    await page.waitForSelector(".tile");
    same(0, await page.getByRole("button", { name: "Delete all records" }).count(), "buttons");
  }, locked),

  "the reset waits for its word": withServer(async ({ server, open }) => {
    await server.ingest([{ model: "m" }]);
    const { page } = await open({ query: "?view=system" });
    const button = page.getByRole("button", { name: "Delete all records" });
    await page.fill('input[name="confirmation"]', "reset");
    check(await button.isDisabled(), "another word is enough");
    await page.fill('input[name="confirmation"]', "RESET");
    await button.click();
    await page.waitForSelector("text=All logs data has been reset");
    same(0, (await (await fetch(`${server.url}/logs/query`)).json()).count, "rows left");
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
