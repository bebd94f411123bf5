// The SDKs of Anthropic, OpenAI and Google against a base URL: one line of JSON per step.
const Anthropic = require("@anthropic-ai/sdk").default;
const OpenAI = require("openai").default;
const { GoogleGenAI } = require("@google/genai");

const base = process.argv[2];
const anthropic = new Anthropic({ apiKey: "sk-ant-secret", baseURL: base + "/anthropic",
  maxRetries: 0 });
const openai = new OpenAI({ apiKey: "sk-openai-secret", baseURL: base + "/openai/v1",
  maxRetries: 0 });
const google = new GoogleGenAI({ apiKey: "google-secret",
  httpOptions: { baseUrl: base + "/gemini" } });

const say = (step, result) => console.log(JSON.stringify({ step, result }));
const ask = (model, more) => ({ model, max_tokens: 100,
  messages: [{ role: "user", content: "a secret prompt" }], ...more });

async function textOf(stream, pick) {
  let text = "";
  for await (const event of stream) text += pick(event) ?? "";
  return text;
}

async function failure(run) {
  try {
    await run();
    return "it did not fail";
  } catch (error) {
    return error.status ?? error.name;
  }
}

const steps = {
  "anthropic": async () => (await anthropic.messages.create(ask("m"))).content[0].text,
  "anthropic tools": async () => (await anthropic.messages.create(ask("m", { tools: [
    { name: "moon", input_schema: { type: "object" } }] }))).content[0].name,
  "anthropic stream": async () => {
    const stream = anthropic.messages.stream(ask("m"));
    const message = await stream.finalMessage();
    return [message.content[0].text, message.usage.output_tokens];
  },
  "anthropic error": () => failure(() => anthropic.messages.create(ask("error"))),
  "anthropic dies": () => failure(() => anthropic.messages.stream(ask("dies")).finalMessage()),
  "anthropic abort": async () => {
    const stream = anthropic.messages.stream(ask("slow"));
    for await (const event of stream) if (event.type === "content_block_delta") break;
    stream.abort();
    return "aborted";
  },
  "64 streams": async () => {
    const all = Array.from({ length: 64 }, () =>
      anthropic.messages.stream(ask("many")).finalMessage());
    return (await Promise.all(all)).filter((m) => m.content[0].text === "hello").length;
  },
  "chat": async () => (await openai.chat.completions.create(ask("m"))).choices[0].message.content,
  "chat tools": async () => (await openai.chat.completions.create(ask("m", { tools: [
    { type: "function", function: { name: "moon" } }] }))).choices[0].message.tool_calls[0].id,
  "chat stream": async () => textOf(
    await openai.chat.completions.create(ask("m", { stream: true,
      stream_options: { include_usage: true } })), (c) => c.choices[0]?.delta.content),
  "chat error": () => failure(() => openai.chat.completions.create(ask("error"))),
  "responses": async () => (await openai.responses.create({ model: "m", input: "x" })).output_text,
  "responses stream": async () => textOf(
    await openai.responses.create({ model: "m", input: "x", stream: true }), (e) => e.delta),
  "gemini": async () => (await google.models.generateContent({ model: "m", contents: "x" })).text,
  "gemini stream": async () => textOf(
    await google.models.generateContentStream({ model: "m", contents: "x" }), (c) => c.text),
  "gemini error": () => failure(() =>
    google.models.generateContent({ model: "error", contents: "x" })),
};

(async () => {
  for (const [step, run] of Object.entries(steps)) say(step, await run());
})();
