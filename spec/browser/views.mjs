/** What each view shows of a month of requests. */
import { readFile } from "node:fs/promises";
import { axis, clock, integer, milliseconds, moment, short,
  time } from "../../static/dashboard/lib/format.js";
import { check, figure, same, texts, until } from "./browser.mjs";

const month = "?window=30d";
const sum = (records, field) => records.reduce((total, record) => total + record[field], 0);
const money = (n) =>
  `$${n.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
const count = (n) => n.toLocaleString("en-US");
const rows = (page) => page.locator("tbody tr");
const drawn = (page) => page.waitForSelector(".tile");
const cardOf = (page, name) => page.locator(`section[aria-label="${name}"]`);

async function download(page, click) {
  const [file] = await Promise.all([page.waitForEvent("download"), click()]);
  return readFile(await file.path(), "utf8");
}

export const cases = {
  "numbers and times are written as Intl would": async () => {
    const compact = (least) =>
      new Intl.NumberFormat("en-US",
        { notation: "compact", minimumSignificantDigits: least, maximumSignificantDigits: 3 });
    const parts = (options) =>
      new Intl.DateTimeFormat("en-US",
        { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...options });
    for (const n of [0, 7, -7, 12.5, 999, 1000, 99999, 100000, 123456, 999499, 999500, 1000000,
        -1234567, 87654321, 1e9, 4.5678e12]) {
      same(n.toLocaleString("en-US", { maximumFractionDigits: 0 }), integer(n), `integer(${n})`);
      if (Math.abs(n) >= 100000) same(compact(3).format(n), short(n), `short(${n})`);
      same(compact(1).format(n), axis.count(n), `axis.count(${n})`);
    }
    for (const t of [0, 951782399, 1798761599, 1798761600]) {
      const date = new Date(t * 1000);
      same(parts({ second: "2-digit" }).format(date), clock(date), `clock(${t})`);
      same(parts({ weekday: "short", month: "short", day: "numeric" }).format(date), moment(date),
        `moment(${t})`);
      same(parts({ month: "short", day: "2-digit", second: "2-digit" }).format(date), time(t).text,
        `time(${t})`);
    }
  },

  "overview: the figures are those of the records, to the cent": async ({ open, records }) => {
    const { page } = await open({ query: month });
    await drawn(page);
    same(count(records.length), await figure(page, "Requests"), "requests");
    same(money(sum(records, "cost_usd")), await figure(page, "Cost"), "cost");
    const tokens =
      ["tokens_input", "tokens_output", "cache_read_tokens",
        "cache_write_tokens"].reduce((n, field) => n + sum(records, field), 0);
    same(count(tokens), await figure(page, "Tokens"), "tokens");
    const failed = records.filter((record) => record.status_code >= 400).length;
    same(`${((failed / records.length) * 100).toFixed(2)} %`, await figure(page, "Error rate"),
      "error rate");
  },

  "overview: each figure is compared with the window before": async ({ open }) => {
    const { page } = await open({ query: "?window=7d" });
    await drawn(page);
    same(10, await page.locator(".tile .change").count(), "tiles with a change");
  },

  "overview: four charts are drawn, and tell their values under the pointer": async ({ open }) => {
    const { page } = await open({ query: month });
    await page.waitForSelector("canvas");
    same(4, await page.locator(".plot canvas").count(), "charts");
    await page.locator(".plot .u-over").first().hover();
    await until(page, () => /success/.test(document.querySelector(".plot .tip").textContent));
  },

  "overview: a stretch that is dragged over becomes the window": async ({ open }) => {
    const { page } = await open({ query: month });
    const box = await page.locator(".plot .u-over").first().boundingBox();
    await page.mouse.move(box.x + 200, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 350, box.y + 50, { steps: 4 });
    await page.mouse.up();
    await until(page, () => new URLSearchParams(location.search).get("window") === "custom");
    const from = () => new URLSearchParams(location.search).get("from");
    const before = await page.evaluate(from);
    await page.click("button.range");
    same(2, await page.locator('input[type="datetime-local"]').count(),
      "fields of a custom window");
    same("from", await page.evaluate(() => document.activeElement.name),
      "the field with the focus");
    const field = page.locator('input[name="from"]');
    await field.fill((await field.inputValue()).replace(/\d\d$/, "07"));
    await until(page, (was) => new URLSearchParams(location.search).get("from") !== was, before);
    same(7, new Date(Number(await page.evaluate(from)) * 1000).getMinutes(),
      "minute of the window's start");
    same(2, await page.locator('input[type="datetime-local"]').count(), "fields after a change");
  },

  "overview: Custom gives fields for the window that was shown": async ({ open }) => {
    const { page } = await open({ query: month });
    await drawn(page);
    await page.getByRole("button", { name: "Custom" }).click();
    await page.waitForSelector('input[name="to"]');
    const query = new URLSearchParams(await page.evaluate(() => location.search));
    same(30 * 86400, query.get("to") - query.get("from"), "seconds of the window");
  },

  "overview: a model that is clicked narrows everything, and the link reproduces it": async ({ open,
      records }) => {
    const { page } = await open({ query: month });
    await cardOf(page, "Models").getByRole("button", { name: "gpt-5", exact: true }).click();
    const expected = count(records.filter((record) => record.model === "gpt-5").length);
    await until(page, (text) => document.querySelector(".tile .figure")?.title === text, expected);
    const again = await open({ query: new URL(page.url()).search });
    await drawn(again.page);
    same(expected, await figure(again.page, "Requests"), "requests behind the link");
    await page.goBack();
    await until(page, (text) => document.querySelector(".tile .figure")?.title === text,
      count(records.length));
  },

  "overview: a service type with ! is left out": async ({ open, records }) => {
    const { page } = await open({ query: month });
    await page.fill('input[name="service_type"]', "!claude_code");
    await page.press('input[name="service_type"]', "Enter");
    const expected =
      count(records.filter((record) => record.service_type !== "claude_code").length);
    await until(page, (text) => document.querySelector(".tile .figure")?.title === text, expected);
  },

  "overview: a breakdown is sorted by a click on its head": async ({ open, records }) => {
    const { page } = await open({ query: month });
    const card = cardOf(page, "Models");
    await card.getByRole("button", { name: "Cost" }).click();
    same("descending", await card.locator("th", { hasText: "Cost" }).getAttribute("aria-sort"),
      "order");
    const cost = {};
    for (const { model, cost_usd: dollars } of records) cost[model] = (cost[model] ?? 0) + dollars;
    const dearest = Object.keys(cost).sort((a, b) => cost[b] - cost[a]);
    same(dearest.slice(0, 7),
      (await card.locator("tbody tr").evaluateAll((list) => list.map((row) => row.dataset.key)))
        .slice(0, 7), "models");
  },

  "overview: the sessions table follows": async ({ open, records }) => {
    const { page } = await open({ query: month });
    const card = cardOf(page, "Sessions");
    await card.getByRole("button", { name: /Show all/ }).click();
    same(new Set(records.map((record) => record.session_client_id)).size,
      await card.locator("tbody tr").count(), "sessions");
  },

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
    const id = JSON.parse(copied).request_id;
    same(copied, await (await fetch(`${url}/logs/entries/${id}`)).text(), "what was copied");
    same(31, await page.locator(".drawer dt").count(), "fields"); // 30 columns, and region in extra
    await page.keyboard.press("Escape");
    await page.locator(".drawer").waitFor({ state: "detached" });
    check(await rows(page).nth(1).evaluate((row) => row === document.activeElement),
      "the focus is not where it was");
  },

  "requests: a time tells UTC when asked": async ({ open }) => {
    const { page } = await open({ query: `${month}&view=requests` });
    const cell = rows(page).first().locator("time");
    const utc = (await cell.getAttribute("title")).match(/T(\d\d):(\d\d)/);
    const local = (await cell.textContent()).match(/(\d\d):(\d\d):/);
    same((Number(utc[1]) + 1) % 24, Number(local[1]), "the hour in Berlin, in November");
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

  "system: shows store, queue and code": async ({ open, records }) => {
    const { page } = await open({ query: "?view=system" });
    await drawn(page);
    same(count(records.length), (await figure(page, "Requests")), "requests");
    same("1", await figure(page, "Code generation"), "generation");
  },
};
