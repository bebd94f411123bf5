/** Chromium, and pages of it that notice whatever should not happen. */
import { chromium } from "playwright-core";

export const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const WAIT_MS = Number(process.env.WAIT_MS ?? 60000);

export const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export const launch = () => chromium.launch({ executablePath: PROGRAM, args: ARGS });

/** A page of its own profile.  problems: console errors, errors of the page, requests
 * to other hosts, and what the Content-Security-Policy stopped; expected is a pattern
 * of those that a case provokes. */
export async function openPage(browser, url,
    { width = 1280, scheme = "light", path = "/dashboard", query = "", expected, before } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 900 }, colorScheme: scheme, timezoneId: "Europe/Berlin",
    locale: "en-GB", reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const problems = [];
  const note = (text) => { if (!expected?.test(text)) problems.push(text); };
  page.on("console", (line) => {
    if (line.type() === "error" || line.type() === "warning") note(`console: ${line.text()}`);
  });
  page.on("pageerror", (error) => note(`error: ${error.message}`));
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith("http") && hostname !== "127.0.0.1")
      note(`request to ${request.url()}`);
  });
  await page.exposeFunction("noteViolation", (text) => note(`policy: ${text}`));
  await page.addInitScript(() =>
    addEventListener("securitypolicyviolation",
      (event) => globalThis.noteViolation(`${event.violatedDirective} ${event.blockedURI}`)));
  await before?.(page);
  await page.goto(`${url}${path}${query}`);
  return { page, problems, close: () => context.close() };
}

export function check(truth, words) {
  if (!truth) throw new Error(words);
}

export function same(expected, given, words) {
  const [a, b] = [JSON.stringify(expected), JSON.stringify(given)];
  if (a !== b) throw new Error(`${words}: expected ${a}, got ${b}`);
}

/** Waits until the function answers something true in the page. */
export const until = (page, fn, arg) => page.waitForFunction(fn, arg);

export const texts = (page, selector) => page.locator(selector).allTextContents();

/** The figure of a tile, exact where the page rounds. */
export async function figure(page, name) {
  const tile = page.locator(".tile", { has: page.locator(`.name:text-is("${name}")`) })
    .locator(".figure");
  return (await tile.getAttribute("title")) ?? tile.textContent();
}
