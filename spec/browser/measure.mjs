/** How long the overview takes from navigation to its figures and charts, with a cold cache:
 * node measure.mjs RUNS [URL QUERY]; without a URL, how long a page takes that asks for one number and shows it */
import { createServer } from "node:http";
import { check, launch } from "./browser.mjs";

const CHARTS = 4;
const WARM_UPS = 3; // a browser's first pages wait for the browser
const MARK = "overview-drawn";

const [runs, url, query] = process.argv.slice(2);

const bare = {
  "/": ["text/html", '<!doctype html><script type="module" src="/page.js"></script>'],
  "/number": ["application/json", "42"],
  "/page.js": ["text/javascript", `
    document.body.textContent = await (await fetch("/number")).json();
    requestAnimationFrame(() => setTimeout(() => performance.mark("${MARK}")));`],
};

/** Answers its URL. */
function serveBare() {
  const server = createServer((request, response) => {
    const [type, text] = bare[request.url] ?? ["text/plain", ""];
    response.setHeader("content-type", type);
    response.end(text);
  });
  server.unref();
  return new Promise((resolve) => { server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}/`)); });
}

const drawn = (mark) => new Promise((resolve) => {
  new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntriesByName(mark)) resolve(startTime);
  }).observe({ type: "mark", buffered: true });
});

async function measure(context, page_url) {
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.clearBrowserCache");
  await page.goto(page_url);
  const taken = await page.evaluate(drawn, MARK);
  check(!url || await page.locator("canvas").count() === CHARTS, "charts are missing");
  await page.close();
  return taken;
}

const page_url = url ? `${url}/dashboard${query}` : await serveBare();
const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
await context.newPage(); // keeps the window: a new one loads 150 modules of Chromium's own beside ours
const times = [];
for (let i = 0; i < WARM_UPS + Number(runs); i += 1) times.push(await measure(context, page_url));
await browser.close();
times.splice(0, WARM_UPS);
times.sort((a, b) => a - b);
console.log(`p50_ms=${times[Math.floor(times.length / 2)].toFixed(1)} min_ms=${times[0].toFixed(1)} max_ms=${times.at(-1).toFixed(1)}`);
