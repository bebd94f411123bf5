/** What the page does where a token is asked for, and what takes more than a click. */
import { check, same } from "./browser.mjs";
import { withServer } from "./server.mjs";

const locked =
  { env: { MOONLEDGER_READ_TOKEN: "read-token", MOONLEDGER_ADMIN_TOKEN: "admin-token" } };
const refused = /status of 40[13]/;

async function enter(page, token) {
  await page.fill('input[name="token"]', token);
  await page.getByRole("button", { name: "Use it" }).click();
}

export const cases = {
  "a locked server asks for a token, which is kept for this tab": withServer(async ({ open }) => {
    const { page } = await open({ expected: refused });
    await page.waitForSelector("text=asks for a token");
    await enter(page, "wrong");
    await page.waitForSelector("text=this token is not known");
    await enter(page, "read-token");
    await page.waitForSelector("text=No requests yet");
    await page.reload();
    await page.waitForSelector("text=No requests yet");
    same(0, (await page.context().cookies()).length, "cookies");
    check(!page.url().includes("token"), "the token is in the URL");
  }, locked),

  "with a token the export comes with it": withServer(async ({ server, open }) => {
    await server.ingest([{ request_id: "=1+1", model: "=cmd()" }], "admin-token");
    const { page } = await open({ query: "?view=requests", expected: refused });
    await enter(page, "read-token");
    const [file] =
      await Promise.all(
        [page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
    const line = (await (await file.createReadStream()).toArray()).join("").split("\r\n")[1];
    check(line.startsWith("'=1+1,") && line.includes("'=cmd()"), `formulas stand there: ${line}`);
  }, locked),

  "the reset is hidden from those who may not": withServer(async ({ open }) => {
    const { page } = await open({ query: "?view=system", expected: refused });
    await enter(page, "read-token");
    await page.waitForSelector(".tile");
    same(0, await page.getByRole("button", { name: "Delete all records" }).count(), "buttons");
  }, locked),

  "the reset waits for its word": withServer(async ({ server, open }) => {
    await server.ingest([{ model: "m" }]);
    const { page } = await open({ query: "?view=system" });
    const button = page.getByRole("button", { name: "Delete all records" });
    await page.fill('input[name="confirmation"]', "reset");
    check(await button.isDisabled(), "another word is enough");
    await page.fill('input[name="confirmation"]', "RESET");
    await button.click();
    await page.waitForSelector("text=All logs data has been reset");
    same(0, (await (await fetch(`${server.url}/logs/query`)).json()).count, "rows left");
  }),
};
