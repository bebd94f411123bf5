/** Runs the cases of a file beside this one in Chromium: node run.mjs FILE [--list |
 * NAME ..].  A line per case: "ok\tNAME" or "failed\tNAME\tWHY" (JSON). */
import { launch, openPage, same } from "./browser.mjs";
import { makeRecords } from "./records.mjs";
import { startServer } from "./server.mjs";

const RECORDS = 4000;
const [file, ...asked] = process.argv.slice(2);
const { cases } = await import(`./${file}.mjs`);

/** Runs one case with pages that are closed after it; whatever a page should not have
 * done fails it. */
async function run(body, browser, server, records) {
  const opened = [];
  const openAt = async (url, options) => {
    const page = await openPage(browser, url, options);
    opened.push(page);
    return page;
  };
  const close = () => Promise.all(opened.map((page) => page.close()));
  try {
    await body({ openAt, close, open: (options) => openAt(server.url, options), url: server.url,
      records });
    same([], opened.flatMap((page) => page.problems), "problems of the page");
  } finally {
    await close();
  }
}

async function runAll(names) {
  const records = makeRecords(RECORDS);
  const [browser, server] = await Promise.all([launch(), startServer()]);
  await server.ingest(records);
  for (const name of names) {
    try {
      await run(cases[name], browser, server, records);
      console.log(`ok\t${name}`);
    } catch (error) {
      console.log(`failed\t${name}\t${JSON.stringify(error.message)}`);
    }
  }
  await browser.close();
  await server.end();
}

if (asked[0] === "--list") console.log(Object.keys(cases).join("\n"));
else await runAll(Object.keys(cases)
  .filter((name) => asked.length === 0 || asked.some((word) => name.includes(word))));
