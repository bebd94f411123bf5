/** Runs the cases in Chromium: node run.mjs [--list | NAME ..].  A line per case: "ok\tNAME" or "failed\tNAME\tWHY" (JSON). */
import { launch, openPage, same } from "./browser.mjs";
import { cases as docs } from "./docs.mjs";
import { cases as live } from "./live.mjs";
import { cases as looks } from "./looks.mjs";
import { makeRecords } from "./records.mjs";
import { startServer } from "./server.mjs";
import { cases as states } from "./states.mjs";
import { cases as views } from "./views.mjs";

const RECORDS = 4000;
const cases = { ...views, ...live, ...states, ...looks, ...docs };
const asked = process.argv.slice(2);

/** Runs one case with pages that are closed after it; whatever a page should not have done fails it. */
async function run(body, browser, server, records) {
  const opened = [];
  const openAt = async (url, options) => {
    const page = await openPage(browser, url, options);
    opened.push(page);
    return page;
  };
  const close = () => Promise.all(opened.map((page) => page.close()));
  try {
    await body({ openAt, close, open: (options) => openAt(server.url, options), url: server.url, records });
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
else await runAll(asked.length ? Object.keys(cases).filter((name) => asked.some((word) => name.includes(word))) : Object.keys(cases));
