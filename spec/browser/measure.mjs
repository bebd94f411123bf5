/** How long the overview takes from navigation to its figures and charts, with a cold cache:
 * node measure.mjs URL QUERY RUNS */
import { check, launch } from "./browser.mjs";

const CHARTS = 4;
const WARM_UPS = 3; // a browser's first pages wait for the browser

const [url, query, runs] = process.argv.slice(2);

const drawn = () => new Promise((resolve) => {
  new PerformanceObserver((list) => {
    for (const mark of list.getEntriesByName("overview-drawn")) resolve(mark.startTime);
  }).observe({ type: "mark", buffered: true });
});

async function measure(context) {
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.clearBrowserCache");
  await page.goto(`${url}/dashboard${query}`);
  const taken = await page.evaluate(drawn);
  check(await page.locator("canvas").count() === CHARTS, "charts are missing");
  await page.close();
  return taken;
}

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
await context.newPage(); // keeps the window: a new one loads 150 modules of Chromium's own beside ours
const times = [];
for (let i = 0; i < WARM_UPS + Number(runs); i += 1) times.push(await measure(context));
await browser.close();
times.splice(0, WARM_UPS);
times.sort((a, b) => a - b);
console.log(`p50_ms=${times[Math.floor(times.length / 2)].toFixed(1)} min_ms=${times[0].toFixed(1)} max_ms=${times.at(-1).toFixed(1)}`);
