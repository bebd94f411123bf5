/** What the views of requests, sessions and the system show of a month of requests. */
import { readFile } from "node:fs/promises";
import { milliseconds } from "../../static/dashboard/lib/format.js";
import { check, figure, same, texts, until } from "./browser.mjs";
import { withServer } from "./server.mjs";
import { cardOf, count, drawn, money, month, sum } from "./shown.mjs";

const WATCHED = `return {
  alerts = {
    { name = "quiet", every = "1s", measure = "request_count", critical = 1e9 },
    { name = "cost", by = "user", every = "1s", measure = "total_cost_usd", critical = 3 },
  },
  budgets = { { name = "each", by = "user", limit_usd = 2, period = "day" } },
}`;

const rows = (page) => page.locator("tbody tr");

async function download(page, click) {
  const [file] = await Promise.all([page.waitForEvent("download"), click()]);
  return readFile(await file.path(), "utf8");
}

export const cases = {
  "requests: the server sorts them": async ({ open, records }) => {
    const { page } = await open({ query: `${month}&view=requests` });
    await page.getByRole("button", { name: "Duration" }).click();
    const longest = [...records].sort((a, b) => b.duration_ms - a.duration_ms)[0];
    await until(page, (text) => document.querySelector("tbody tr:first-child td:nth-child(6)")
      ?.textContent === text, milliseconds(longest.duration_ms));
    same("descending", await page.locator("th", { hasText: "Duration" }).getAttribute("aria-sort"),
      "order");
  },

  "requests: pages go on by cursor, and back": async ({ open, records }) => {
    const { page } = await open({ query: `${month}&view=requests` });
    const first = await rows(page).first().textContent();
    const asked = page.waitForRequest((request) => request.url().includes("cursor="));
    await page.getByRole("button", { name: "Next" }).click();
    await asked;
    await until(page, (all) => document.querySelector('[role="status"].number').textContent
      === `101–200 of ${all}`, count(records.length));
    check(first !== await rows(page).first().textContent(), "the second page is the first");
    await page.getByRole("button", { name: "Previous" }).click();
    await until(page, (text) => document.querySelector("tbody tr").textContent === text, first);
  },

  "requests: columns are chosen, and stay so": async ({ open }) => {
    const { page } = await open({ query: `${month}&view=requests` });
    await page.getByText("Columns").click();
    await page.getByLabel("Request id").check();
    check((await texts(page, "thead th")).includes("Request id"), "no such column");
    await page.reload();
    await rows(page).first().waitFor();
    check((await texts(page, "thead th")).includes("Request id"), "forgotten");
  },

  "requests: the drawer has every field and extra, copies, and closes by Escape": async ({ open,
      url }) => {
    const { page } = await open({ query: `${month}&view=requests` });
    await rows(page).first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Copy JSON" }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    const { request_id: id, extra, ...columns } = JSON.parse(copied);
    same(copied, await (await fetch(`${url}/logs/entries/${id}`)).text(), "what was copied");
    const names = ["request_id", ...Object.keys(columns), ...Object.keys(extra)].sort().join(" ");
    const shown = await page.locator(".drawer dt").allTextContents();
    same(names, shown.sort().join(" "), "fields");
    await page.keyboard.press("Escape");
    await page.locator(".drawer").waitFor({ state: "detached" });
    check(await rows(page).nth(1).evaluate((row) => row === document.activeElement),
      "the focus is not where it was");
  },

  "requests: a time tells UTC when asked": async ({ open }) => {
    const { page } = await open({ query: `${month}&view=requests` });
    const cell = rows(page).first().locator("time");
    const [utc] = (await cell.getAttribute("title")).split(" ");
    const [local] = (await cell.textContent()).match(/\d\d:\d\d/);
    const berlin = new Intl.DateTimeFormat("en-GB",
      { timeZone: "Europe/Berlin", hour: "2-digit", minute: "2-digit" });
    same(berlin.format(new Date(utc)), local, "the time in Berlin");
  },

  "requests: the export is exactly the filtered set": async ({ open, records }) => {
    const { page } = await open({ query: `${month}&view=requests&model=o4-mini&status=ok` });
    const expected = records.filter((record) => record.model === "o4-mini" && record.status_code
      === 200).map((record) => record.request_id).sort();
    const ndjson = await download(page, () => page.getByText("NDJSON").click());
    same(expected, ndjson.trim().split("\n").map((line) => JSON.parse(line).request_id).sort(),
      "NDJSON");
    const csv = await download(page, () => page.getByText("CSV", { exact: true }).click());
    same(expected, csv.trim().split("\r\n").slice(1).map((line) => line.split(",")[0]).sort(),
      "CSV");
  },

  "sessions: one opens into its models and its requests": async ({ open, records }) => {
    const { page } = await open({ query: `${month}&view=sessions` });
    const row = rows(page).first();
    const session = await row.getAttribute("data-key");
    await row.click();
    await page.waitForSelector("text=Latest requests");
    const own = records.filter((record) => record.session_client_id === session);
    same(money(sum(own, "cost_usd")), await figure(page, "Cost"), "cost");
    same(new Set(own.map((record) => record.model)).size,
      await cardOf(page, "Models").locator("tbody tr").count(), "models");
    await page.getByRole("button", { name: "All of them" }).click();
    await until(page, (text) => document.querySelector('[role="status"].number')
      ?.textContent.endsWith(`of ${text}`), count(own.length));
  },

  "alerts: shows rules and budgets by how urgent they are": withServer(async ({ server, open }) => {
    await server.ingest([{ user: "<b>alice</b>", cost_usd: 4 }, { user: "bob", cost_usd: 1 }]);
    const { page } = await open();
    await until(page, () => document.querySelectorAll("tbody tr").length === 4);
    same(["cost user <b>alice</b>", "quiet "],
      await cardOf(page, "Alerts").locator("tbody td.name").allTextContents(), "rules");
    same(["firing", "ok"], await cardOf(page, "Alerts").locator(".status").allTextContents(),
      "their states");
    same(["each user <b>alice</b>exceeded$4.00$2.00 a day200.00 %–",
      "each user bobok$1.00$2.00 a day50.00 %–"],
      (await cardOf(page, "Budgets").locator("tbody tr").allTextContents())
        .map((text) => text.replace(/(\$[\d.]+|–)$/, "–")), "budgets");
  }, { config: WATCHED }, { query: "?view=alerts" }),

  "alerts: says what there is to do where nothing is watched": async ({ open }) => {
    const { page } = await open({ query: "?view=alerts" });
    await page.getByText("Nothing to watch yet").waitFor();
  },

  "alerts: a budget is there once it is spent of": withServer(async ({ server, open }) => {
    const { page } = await open();
    await page.getByText("Nothing to watch yet").waitFor();
    await server.ingest([{ user: "bob", cost_usd: 1 }]);
    await cardOf(page, "Budgets").locator("tbody td.name", { hasText: "each user bob" }).waitFor();
  }, { config: 'return { budgets = { { name = "each", by = "user", limit_usd = 2 } } }' },
  { query: "?view=alerts" }),

  "system: shows store, queue and code": async ({ open, records }) => {
    const { page } = await open({ query: "?view=system" });
    await drawn(page);
    same(count(records.length), (await figure(page, "Requests")), "requests");
    same("1", await figure(page, "Code generation"), "generation");
    same("all that ever came", await figure(page, "Kept"), "what is kept");
    same("0", await figure(page, "Requests gone"), "what went");
  },
};
