// 100,000 samples through prom-client, as limit_metrics.c has them.
const client = require("prom-client");
const labels = (set) => ({
  model: `claude-sonnet-4-${set}`, endpoint: "/api/v1/messages", service_type: `service_${set % 7}`,
});
const bounds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25];

for (let metric = 0; metric < 10; metric++) {
  const counter = new client.Counter({
    name: `bench_counter_${metric}_total`, help: "Bench.",
    labelNames: ["model", "endpoint", "service_type", "cost_type"],
  });
  for (let set = 0; set < 5000; set++)
    counter.inc({ ...labels(set), cost_type: "total" }, set * 37.25);
}
for (let metric = 0; metric < 5; metric++) {
  const histogram = new client.Histogram({
    name: `bench_histogram_${metric}`, help: "Bench.",
    labelNames: ["model", "endpoint", "service_type"], buckets: bounds,
  });
  for (let set = 0; set < 769; set++)
    histogram.observe(labels(set), set / 100);
}

async function main() {
  await client.register.metrics();
  const times = [];
  let bytes = 0;
  for (let i = 0; i < 5; i++) {
    const started = process.hrtime.bigint();
    bytes = (await client.register.metrics()).length;
    times.push(Number(process.hrtime.bigint() - started) / 1e6);
  }
  times.sort((a, b) => a - b);
  console.log(`ms=${times[2].toFixed(3)} bytes=${bytes}`);
}
main();
