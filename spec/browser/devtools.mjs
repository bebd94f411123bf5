/** Chromium over its debugging pipe, asked for nothing but what it is told
 * (chromedevtools.github.io/devtools-protocol): Playwright listens to every request
 * of a page, which on two cores takes a fifth of the time that is to be measured. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ARGS, PROGRAM } from "./browser.mjs";

const FRAME_HEIGHT = 87; // of the window around the page

/** call(method, params, session) resolves to the answer; close() ends the browser. */
export function launch({ width, height }) {
  const profile = mkdtempSync(join(tmpdir(), "moonledger-chromium-"));
  const child = spawn(PROGRAM, [
    ...ARGS, "--headless", "--remote-debugging-pipe", `--user-data-dir=${profile}`,
    `--window-size=${width},${height + FRAME_HEIGHT}`, "about:blank",
  ], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const [, , , requests, answers] = child.stdio;
  const waiting = new Map();
  let last = 0;
  let text = "";

  function take({ id, result, error }) {
    const asked = waiting.get(id);
    if (!asked) return; // an event
    waiting.delete(id);
    if (error) asked.reject(new Error(`${asked.method}: ${error.message}`));
    else asked.resolve(result);
  }

  answers.on("data", (chunk) => {
    text += chunk;
    const messages = text.split("\0");
    text = messages.pop();
    messages.forEach((message) => take(JSON.parse(message)));
  });
  child.on("exit", () => waiting.forEach(({ reject }) => reject(new Error("Chromium has ended"))));

  const call = (method, params = {}, sessionId = undefined) => new Promise((resolve, reject) => {
    last += 1;
    waiting.set(last, { method, resolve, reject });
    requests.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
  });

  async function close() {
    const ended = new Promise((resolve) => { child.once("exit", resolve); });
    await call("Browser.close");
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
  return { call, close };
}
