/** How long the overview takes from navigation to its figures and charts, with a cold
 * cache:
 * node measure.mjs RUNS [URL QUERY]; without a URL, how long a page takes that asks
 * for one number and shows it */
import { createServer } from "node:http";
import { check } from "./browser.mjs";
import { launch } from "./devtools.mjs";

const CHARTS = 4;
const WARM_UPS = 3; // a browser's first pages wait for the browser
const QUIET_MS = 500; // a new tab is work of its own, done before there is anywhere to go
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
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}/`));
  });
}

const drawn = `new Promise((resolve) => {
  new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntriesByName("${MARK}")) resolve(startTime);
  }).observe({ type: "mark", buffered: true });
})`;

async function evaluate(session, expression) {
  const { result, exceptionDetails } = await browser.call("Runtime.evaluate",
    { expression, awaitPromise: true, returnByValue: true }, session);
  check(!exceptionDetails, exceptionDetails?.text);
  return result.value;
}

async function measure() {
  const { targetId } = await browser.call("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await browser.call("Target.attachToTarget", { targetId, flatten: true });
  await browser.call("Network.clearBrowserCache", {}, sessionId);
  await new Promise((resolve) => { setTimeout(resolve, QUIET_MS); });
  await browser.call("Page.navigate", { url: page_url }, sessionId);
  const taken = await evaluate(sessionId, drawn);
  check(!url || await evaluate(sessionId, "document.querySelectorAll('canvas').length") === CHARTS,
    "charts are missing");
  await browser.call("Target.closeTarget", { targetId });
  return taken;
}

const page_url = url ? `${url}/dashboard${query}` : await serveBare();
const browser = launch({ width: 1280, height: 900 });
const times = [];
for (let i = 0; i < WARM_UPS + Number(runs); i += 1) times.push(await measure());
await browser.close();
times.splice(0, WARM_UPS);
times.sort((a, b) => a - b);
console.log(
  `p50_ms=${times[Math.floor(times.length / 2)].toFixed(1)} min_ms=${times[0].toFixed(1)} `
    + `max_ms=${times.at(-1).toFixed(1)}`);
