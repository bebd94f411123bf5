/** Traffic of a month, the same for the same moment: busy by day, quiet at night, with
 * two bad hours. */

/** mulberry32, by Tommy Ettinger: a small generator whose numbers a seed fixes. */
function dice(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Dollars per million tokens in and out, and how often each is asked.
const models = [
  ["claude-sonnet-4-5-20250929", 3, 15, 38], ["claude-haiku-4-5-20251001", 1, 5, 24],
  ["gpt-5", 1.25, 10, 12], ["claude-opus-4-1-20250805", 15, 75, 9], ["gpt-5-mini", 0.25, 2, 9],
  ["gemini-2.5-pro", 1.25, 10, 5], ["o4-mini", 1.1, 4.4, 3],
];
const services = [["claude_code", "/v1/messages", 55], ["proxy_service", "/api/v1/messages", 25],
  ["codex", "/codex/v1/responses", 12], ["batch_jobs", "/v1/messages/batches", 8]];
const failures = [[429, 45], [529, 25], [500, 15], [400, 15]];

export function makeRecords(count, now = Date.now() / 1000) {
  const random = dice(7);
  const pick = (list) => {
    let left = random() * list.reduce((sum, item) => sum + item.at(-1), 0);
    return list.find((item) => (left -= item.at(-1)) < 0) ?? list[0];
  };
  const heavy = (middle, spread) =>
    middle * Math.exp(spread * (random() + random() + random() - 1.5));
  const moment = () => {
    for (;;) {
      const t = now - 60 - random() ** 1.1 * 29 * 86400;
      const hour = (t % 86400) / 3600;
      if (random() < 0.12 + Math.exp(-(((hour - 14.5) / 4.2) ** 2))) return t;
    }
  };

  return Array.from({ length: count }, (_, i) => {
    const t = Math.round(moment() * 1e6) / 1e6;
    const [model, input, output] = pick(models);
    const [service, endpoint] = pick(services);
    const bad = Math.abs(now - 33000 - t) < 2400 ? 0.25 : 0.012;
    const status = random() < bad ? pick(failures)[0] : 200;
    const ok = status === 200;
    const tokens = {
      in: Math.round(heavy(700, 1.2)),
      out: ok ? Math.round(heavy(380, 1.1)) : 0,
      read: ok && random() < 0.7 ? Math.round(heavy(9000, 1)) : 0,
      write: ok && random() < 0.25 ? Math.round(heavy(1600, 1)) : 0,
    };
    const cost = ok
      ? (tokens.in * input + tokens.out * output
        + tokens.read * input * 0.1 + tokens.write * input * 1.25) / 1e6
      : 0;
    return {
      request_id: `req_${String(i).padStart(8, "0")}`, timestamp: t, method: "POST", endpoint,
      path: endpoint, service_type: service, model,
      status_code: status, streaming: random() < 0.8,
      duration_ms: ok
        ? Math.round(350 + tokens.out * (6 + random() * 8) + heavy(330, 0.9))
        : Math.round(heavy(240, 0.6)),
      tokens_input: tokens.in, tokens_output: tokens.out, cache_read_tokens: tokens.read,
      cache_write_tokens: tokens.write,
      cost_usd: Number(cost.toFixed(8)),
      session_client_id: `user_${Math.floor(random() ** 2 * 60).toString(16).padStart(6, "0")}`,
      client_ip: `10.0.${i % 4}.${i % 250}`,
      user_agent: service === "claude_code"
        ? "claude-cli/2.1.202 (external, cli)"
        : "python-httpx/0.28",
      region: i % 3 ? "eu-west-1" : "us-east-1",
    };
  });
}
