// An upstream that speaks Anthropic's, OpenAI's and Google's APIs.  The model says what happens:
// "slow" streams until its client leaves, "error" is refused, "dies" breaks off, "fails" tells of
// an error within a stream.  Each request is a line of JSON.
const http = require("node:http");
const crypto = require("node:crypto");
const zlib = require("node:zlib");

const say = (what) => console.log(JSON.stringify(what));

function events(response, events, { named = false, done = "", slow, dies, fails }) {
  const list = fails ? [events[0], fails] : events;
  response.setHeader("content-type", "text/event-stream");
  let at = 0;
  const next = () => {
    const event = list[at];
    response.write(`${named ? `event: ${event.type}\n` : ""}data: ${JSON.stringify(event)}\n\n`);
    at += 1;
    if (dies && at === 3) response.destroy();
    else if (slow && at === 3) at = 2;
    else if (at === list.length) {
      response.end(done);
      return;
    }
    if (!response.destroyed) setTimeout(next, 5);
  };
  response.on("close", () => {
    if (!response.writableFinished) say({ left: true });
  });
  next();
}

function json(response, value, zipped) {
  response.setHeader("content-type", "application/json");
  const text = JSON.stringify(value);
  if (!zipped) return response.end(text);
  response.setHeader("content-encoding", "gzip");
  return response.end(zlib.gzipSync(text));
}

const refused = {
  anthropic: [529, { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }],
  openai: [429, { error: { type: "rate_limit_error", code: "slow_down", message: "Too many" } }],
  google: [503, { error: { code: 503, status: "UNAVAILABLE", message: "Overloaded" } }],
};

const broken = {
  anthropic: refused.anthropic[1],
  openai: { type: "response.failed", response: { status: "failed",
    error: { code: "server_is_overloaded", message: "Overloaded" } } },
  google: refused.google[1],
};

function anthropic(body, response, how) {
  const usage = { input_tokens: 100, cache_read_input_tokens: 40, cache_creation_input_tokens: 8,
    output_tokens: 1 };
  const message = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5",
    content: [], stop_reason: null, usage };
  response.setHeader("request-id", "req_" + crypto.randomUUID());
  if (!body.stream) {
    const content = body.tools
      ? [{ type: "tool_use", id: "toolu_1", name: "moon", input: { phase: "full" } }]
      : [{ type: "text", text: "hello" }];
    return json(response, { ...message, content, stop_reason: "end_turn",
      usage: { ...usage, output_tokens: 20 } }, how.zipped);
  }
  return events(response, [
    { type: "message_start", message },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hel" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "lo" } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 20 } },
    { type: "message_stop" },
  ], { named: true, ...how });
}

function chat(body, response, how) {
  const usage = { prompt_tokens: 50, completion_tokens: 7, total_tokens: 57,
    prompt_tokens_details: { cached_tokens: 30 } };
  const head = { id: "chatcmpl-" + crypto.randomUUID(), created: 1, model: "gpt-5-mini" };
  const call = { id: "call_1", type: "function", function: { name: "moon", arguments: "{}" } };
  if (!body.stream) {
    const message = body.tools
      ? { role: "assistant", content: null, tool_calls: [call] }
      : { role: "assistant", content: "hello" };
    return json(response, { ...head, object: "chat.completion", usage,
      choices: [{ index: 0, message, finish_reason: "stop" }] }, how.zipped);
  }
  const chunk = (delta, more) => ({ ...head, object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: null }], ...more });
  const last = body.stream_options?.include_usage
    ? [{ ...head, object: "chat.completion.chunk", choices: [], usage }] : [];
  return events(response, [chunk({ role: "assistant", content: "" }), chunk({ content: "hel" }),
    chunk({ content: "lo" }), ...last], { done: "data: [DONE]\n\n", ...how });
}

function responses(body, response, how) {
  const usage = { input_tokens: 60, output_tokens: 9, total_tokens: 69,
    input_tokens_details: { cached_tokens: 20 }, output_tokens_details: { reasoning_tokens: 4 } };
  const output = [{ type: "message", id: "m", role: "assistant", status: "completed",
    content: [{ type: "output_text", text: "hello", annotations: [] }] }];
  const begun = { id: "resp_1", object: "response", model: "gpt-5", status: "in_progress",
    output: [] };
  const whole = { ...begun, status: "completed", output, usage };
  if (!body.stream) return json(response, whole, how.zipped);
  const delta = { type: "response.output_text.delta", item_id: "m", output_index: 0,
    content_index: 0, delta: "hello" };
  return events(response, [
    { type: "response.created", response: begun },
    { type: "response.in_progress", response: begun },
    delta,
    { type: "response.completed", response: whole },
  ], { named: true, ...how });
}

function google(stream, response, how) {
  const chunk = (text, output) => ({ responseId: "g1", modelVersion: "gemini-2.5-flash",
    candidates: [{ content: { role: "model", parts: [{ text }] } }],
    usageMetadata: { promptTokenCount: 70, candidatesTokenCount: output, thoughtsTokenCount: 5,
      totalTokenCount: 75 + output, cachedContentTokenCount: 10 } });
  if (!stream) return json(response, chunk("hello", 11), how.zipped);
  return events(response, [chunk("hel", 3), chunk("lo", 11)], how);
}

function answer(request, body, response) {
  const path = request.url.split("?")[0];
  const value = body.length ? JSON.parse(body) : {};
  const api = path.endsWith("/messages") ? "anthropic" : path.includes("/models/") ? "google"
    : "openai";
  const model = value.model ?? /models\/([^:]*)/.exec(path)?.[1] ?? "";
  if (model === "error") {
    const [status, problem] = refused[api];
    response.statusCode = status;
    return json(response, problem);
  }
  const how = { slow: model === "slow", dies: model === "dies",
    fails: model === "fails" && broken[api],
    zipped: /gzip/.test(request.headers["accept-encoding"] ?? "") };
  if (api === "anthropic") return anthropic(value, response, how);
  if (api === "google") return google(path.includes(":stream"), response, how);
  return path.endsWith("/responses") ? responses(value, response, how) : chat(value, response, how);
}

http.createServer((request, response) => {
  if (request.url === "/early") { // it has seen enough
    response.statusCode = 413;
    response.end("too much");
    return;
  }
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    const body = Buffer.concat(pieces);
    say({ method: request.method, url: request.url, headers: request.headers, bytes: body.length,
      sha256: crypto.createHash("sha256").update(body).digest("hex") });
    if (/\/(messages|completions|responses)$|:\w+$/.test(request.url.split("?")[0]))
      return answer(request, body, response);
    if (request.url === "/hop") response.setHeader("connection", "x-private");
    response.setHeader("x-private", "1");
    response.setHeader("set-cookie", ["a=1", "b=2"]);
    response.statusCode = request.url === "/moved" ? 302 : 200;
    if (request.url === "/moved") response.setHeader("location", "/elsewhere");
    return response.end(request.method === "HEAD" ? undefined : body);
  });
}).listen(0, "127.0.0.1", function listening() {
  console.log("port " + this.address().port);
});
