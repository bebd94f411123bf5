/** /docs: the API to read and to try. */
import { check, same, until } from "./browser.mjs";
import { checkLooks } from "./looks.mjs";

const describe = async (url) => (await fetch(`${url}/openapi.json`)).json();
const routeOf = (page, method, path) =>
  page.locator("details.route",
    { has: page.locator(`summary:has(.method.${method}) code:text-is("${path}")`) });

async function openRoute(page, method, path) {
  const route = routeOf(page, method, path);
  await route.locator("summary").click();
  return route;
}

const cases = {
  "docs: every route of /openapi.json is there, once": async ({ open, url }) => {
    const { page } = await open({ path: "/docs" });
    await page.waitForSelector("details.route");
    const { paths } = await describe(url);
    const expected = Object.entries(paths)
      .flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    const shown = await page.locator("details.route > summary").evaluateAll((list) => {
      const text = (summary, part) => summary.querySelector(part).textContent;
      return list.map((summary) => `${text(summary, ".method")} ${text(summary, "code")}`);
    });
    same(expected.sort(), shown.sort(), "routes");
  },

  "docs: every route opens, with a field for each parameter of those that can be tried": async ({
    open, url,
  }) => {
    const { page } = await open({ path: "/docs" });
    await page.waitForSelector("details.route");
    const { paths } = await describe(url);
    await page.locator("details.route > summary")
      .evaluateAll((list) => list.forEach((summary) => summary.click()));
    await until(page, (count) => document.querySelectorAll("details.route[open] .facts").length
      >= count, await page.locator("details.route").count());
    const expected =
      paths["/logs/entries/{request_id}"].get.parameters.map((parameter) => parameter.name);
    same(expected, await routeOf(page, "get", "/logs/entries/{request_id}").locator("form [name]")
      .evaluateAll((list) => list.map((field) => field.name)), "fields");
    same(Object.values(paths).filter((methods) => methods.get).length,
      await page.locator("details.route form").count(), "forms");
  },

  "docs: a route is asked with what was filled in, and shows what it answered": async ({ open }) =>
      {
    const { page } = await open({ path: "/docs" });
    const route = await openRoute(page, "get", "/logs/query");
    await route.locator('[name="model"]').fill("gpt-5");
    await route.locator('[name="limit"]').fill("1");
    await route.getByRole("button", { name: "Ask" }).click();
    await route.locator("h3", { hasText: "200" }).waitFor();
    const heading = await route.locator("h3").textContent();
    check(/^GET \/logs\/query\?.*model=gpt-5/.test(heading), heading);
    await until(page,
      () => document.querySelector(".answer:not([hidden]) pre").textContent.endsWith("}"));
    same("gpt-5", JSON.parse(await route.locator("pre").textContent()).results[0].model, "model");
  },

  "docs: of a long answer the start is shown, laid out": async ({ open }) => {
    const { page } = await open({ path: "/docs" });
    const route = await openRoute(page, "get", "/logs/query");
    await route.getByRole("button", { name: "Ask" }).click();
    await until(page, () => /^\{\n  "count": 1000,\n[^]*\n… the answer goes on$/
      .test(document.querySelector(".answer pre")?.textContent));
  },

  "docs: a stream is shown as it comes, until it is stopped": async ({ open }) => {
    const { page } = await open({ path: "/docs" });
    const route = await openRoute(page, "get", "/logs/stream");
    await route.getByRole("button", { name: "Ask" }).click();
    await until(page, () => document.querySelector(".answer:not([hidden]) pre")
      ?.textContent.includes("connection"));
    await route.getByRole("button", { name: "Stop" }).click();
    await until(page, () => document.querySelector(".answer:not([hidden])").closest("form")
      .querySelectorAll("button")[1].hidden);
  },

  "docs: a link to a route opens it": async ({ open, url }) => {
    const { operationId } = (await describe(url)).paths["/logs/analytics"].get;
    const { page } = await open({ path: "/docs", query: `#${operationId}` });
    await routeOf(page, "get", "/logs/analytics").locator("form").waitFor();
  },
};

for (const width of [1280, 390])
  cases[`docs: at ${width} pixels it fits, and has no fault that axe finds`] =
    async ({ open }) => {
      const { page } = await open({ path: "/docs", width });
      await (await openRoute(page, "get", "/logs/analytics")).locator("form").waitFor();
      await (await openRoute(page, "post", "/logs/ingest")).locator(".facts").first().waitFor();
      await checkLooks(page, width);
    };

export { cases };
