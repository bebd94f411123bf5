/** The real server for the browser's specs: port 0, its own database, ended by pid. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BINARY = process.env.MOONLEDGER ?? "build/moonledger";
const PIECE = 500;

const listening = (child) => new Promise((resolve, reject) => {
  let text = "";
  child.stdout.on("data", (bytes) => {
    text += bytes;
    const url = text.match(/listening on (http:\/\/\S+)\n/)?.[1];
    if (url) resolve(url);
  });
  child.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
});

/** @param {{env?: object, port?: number, folder?: string, config?: string}} options folder:
 * of a server that was stopped, for its database; config: the text of a config.lua of its own */
export async function startServer(
    { env = {}, port = 0, folder = mkdtempSync(join(tmpdir(), "moonledger.")), config } = {}) {
  if (config) writeFileSync(join(folder, "config.lua"), config);
  const child = spawn(BINARY,
    ["--config", config ? join(folder, "config.lua") : "config.lua",
      "--listen", `127.0.0.1:${port}`, "--database",
      join(folder, "moonledger.db")],
    { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "ignore"] });
  const url = await listening(child);

  const stop = () => new Promise((resolve) => {
    child.on("exit", resolve);
    child.kill("SIGTERM");
  });

  return {
    url,
    port: Number(new URL(url).port),
    folder,
    stop,
    async end() {
      await stop();
      rmSync(folder, { recursive: true });
    },
    /** In pieces that a slow machine takes in time. */
    async ingest(records, token) {
      for (let at = 0; at < records.length; at += PIECE) {
        const response = await fetch(`${url}/logs/ingest`, {
          method: "POST",
          headers: { "content-type": "application/x-ndjson",
            ...(token && { authorization: `Bearer ${token}` }) },
          body: records.slice(at, at + PIECE).map((record) => JSON.stringify(record)).join("\n"),
        });
        const answer = await response.json();
        if (answer.rejected !== 0) throw new Error(JSON.stringify(answer));
      }
    },
  };
}

/** A case on a server of its own; page is where open opens, if not told else. */
export const withServer = (body, options, page = {}) => async ({ openAt, close }) => {
  const server = await startServer(options);
  try {
    await body({ server, open: (more) => openAt(server.url, { ...page, ...more }) });
  } finally {
    await close(); // a page that outlives its server complains
    await server.end();
  }
};
