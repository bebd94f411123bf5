/** Contrast and structure by axe, widths, keys, weight. */
import axe from "axe-core";
import { check, same, until } from "./browser.mjs";

const FIRST_PAINT_BYTES = 100 * 1024;

/** Fits the window, tables too, and has no fault that axe finds, light or dark. */
export async function checkLooks(page, width) {
  await page.evaluate(axe.source);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await checkScheme(page, width, colorScheme);
  }
}

async function checkScheme(page, width, scheme) {
  check(await page.evaluate((w) => document.documentElement.scrollWidth <= w, width),
    "the page is wider than the window");
  check(
    await page.evaluate(() =>
      [...document.querySelectorAll(".scroll")].every((box) => box.scrollWidth <= box.clientWidth)),
      "a table is cut off");
  const { violations } =
    await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] }));
  same([], violations.map(({ id, nodes }) =>
    `${id}: ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`), `violations, ${scheme}`);
}

const ready = { overview: ".tile", live: "tbody tr", requests: "tbody tr", sessions: "tbody tr",
  alerts: ".message", system: ".tile" };
const cases = {};

for (const [view, selector] of Object.entries(ready))
  for (const width of [1280, 390])
    cases[`looks: ${view} at ${width} pixels fits, and has no fault that axe finds`] =
      async ({ open }) => {
        const { page } = await open({ width, query: `?view=${view}&window=30d` });
        await page.waitForSelector(selector);
        await checkLooks(page, width);
      };

cases["looks: dark follows the system at once"] = async ({ open }) => {
  const { page } = await open({ query: "?window=30d" });
  await page.waitForSelector(".tile");
  const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await colour();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForSelector("canvas");
  check(light !== await colour(), "the colours are the same");
};

cases["looks: the keyboard reaches the content, the filters and the rows"] = async ({ open }) => {
  const { page } = await open({ query: "?view=requests&window=30d" });
  await page.waitForSelector("tbody tr");
  await page.keyboard.press("Tab");
  same("Skip to the content", await page.evaluate(() => document.activeElement.textContent),
    "first stop");
  await page.getByRole("button", { name: "7 days" }).focus();
  await page.keyboard.press("Enter");
  await until(page, () => location.search.includes("window=7d")
    && document.activeElement.textContent === "7 days");
};

cases["looks: the first paint takes under 100 KB from a cold cache"] = async ({ open }) => {
  let bytes = 0;
  const { page } = await open({ query: "?window=30d", before: async (page) => {
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    session.on("Network.loadingFinished", (event) => { bytes += event.encodedDataLength; });
  } });
  await page.waitForSelector("canvas");
  check(bytes > 20000 && bytes < FIRST_PAINT_BYTES, `${bytes} bytes`);
};

export { cases };
