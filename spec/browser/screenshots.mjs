/** The README's pictures, from a real server: node spec/browser/screenshots.mjs, into
 * static/screenshots. */
import { mkdir, writeFile } from "node:fs/promises";
import { launch, openPage } from "./browser.mjs";
import { makeRecords } from "./records.mjs";
import { startServer } from "./server.mjs";

const FOLDER = "static/screenshots";
const QUALITY = 0.7;
const shots = {
  "overview-light": { query: "?window=7d" },
  "overview-dark": { query: "?window=24h", scheme: "dark" },
  "requests-light": { query: "?view=requests&window=7d", open: "tbody tr" },
  "overview-phone": { query: "?window=7d", scheme: "dark", width: 390 },
};

/** Chromium encodes what Playwright cannot. */
const toWebp = (page, png) => page.evaluate(async ([base64, quality]) => {
  const image =
    await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").drawImage(image, 0, 0);
  const bytes =
    new Uint8Array(await (await canvas.convertToBlob({ type: "image/webp", quality }))
      .arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}, [png.toString("base64"), QUALITY]);

const [browser, server] = await Promise.all([launch(), startServer()]);
const encoder = await browser.newPage();
await mkdir(FOLDER, { recursive: true });
await server.ingest(makeRecords(40000));
for (const [name, { open, ...options }] of Object.entries(shots)) {
  const { page, close } = await openPage(browser, server.url, options);
  await page.waitForSelector("tbody tr");
  if (open) {
    await page.locator(open).first().click();
    await page.waitForSelector(".drawer dl");
  }
  await page.waitForLoadState("networkidle");
  await writeFile(`${FOLDER}/${name}.webp`,
    Buffer.from(await toWebp(encoder, await page.screenshot()), "base64"));
  await close();
}
await browser.close();
await server.end();
