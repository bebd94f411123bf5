/** What the overview shows of a month of requests, and how numbers and times are written. */
import { axis, clock, integer, moment, short, time } from "../../static/dashboard/lib/format.js";
import { figure, same, until } from "./browser.mjs";
import { cardOf, count, drawn, money, month, sum } from "./shown.mjs";

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
};
