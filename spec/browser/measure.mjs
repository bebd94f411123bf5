/** How long the overview takes from navigation to its figures and charts, with a cold cache:
 * node measure.mjs URL QUERY RUNS */
import { launch, openPage, until } from "./browser.mjs";

const [url, query, runs] = process.argv.slice(2);

async function measure(browser) {
  const { page, close } = await openPage(browser, url, { query });
  await until(page, () => performance.getEntriesByName("overview-drawn").length > 0 && document.querySelectorAll("canvas").length === 4);
  const taken = await page.evaluate(() => performance.getEntriesByName("overview-drawn")[0].startTime);
  await close();
  return taken;
}

const browser = await launch();
await measure(browser); // the first page of a browser waits for the browser
const times = [];
for (let i = 0; i < Number(runs); i += 1) times.push(await measure(browser));
await browser.close();
times.sort((a, b) => a - b);
console.log(`p50_ms=${times[Math.floor(times.length / 2)].toFixed(1)} min_ms=${times[0].toFixed(1)} max_ms=${times.at(-1).toFixed(1)}`);
