// The figures of /logs/analytics from DuckDB: duckdb_analytics.js FILE
// combined|single FROM TO (unix seconds). combined: a query per shape.  single: a
// query per figure, as ccproxy asks them.
const { DuckDBInstance } = require("@duckdb/node-api");

const SUMS = [
  "count(*)", "count(*) FILTER (status_code >= 200 AND status_code < 400)",
  "count(*) FILTER (status_code >= 400)",
  "avg(duration_ms)", "sum(cost_usd)", "sum(tokens_input)", "sum(tokens_output)",
  "sum(cache_read_tokens)",
  "sum(cache_write_tokens)",
];
const QUANTILES = "approx_quantile(duration_ms, [0.5, 0.9, 0.95, 0.99])";

function combined(where) {
  const all = SUMS.join(", ");
  return [
    `SELECT ${all}, ${QUANTILES} FROM records WHERE ${where}`,
    `SELECT service_type, ${all}, ${QUANTILES} FROM records WHERE ${where} GROUP BY 1`,
    `SELECT model, ${all}, ${QUANTILES} FROM records WHERE ${where} GROUP BY 1`,
    `SELECT date_trunc('hour', timestamp), ${all} FROM records WHERE ${where}
      GROUP BY 1 ORDER BY 1`,
  ];
}

async function single(db, where) {
  const queries = [];
  const add = (condition) => {
    for (const sum of [...SUMS, QUANTILES])
      queries.push(`SELECT ${sum} FROM records WHERE ${condition}`);
  };
  add(where);
  for (const column of ["service_type", "model"]) {
    const names = await (await db.run(`SELECT DISTINCT ${column} FROM records WHERE ${where}`))
      .getRows();
    for (const [name] of names)
      add(`${where} AND ${column} = '${name}'`);
  }
  return queries;
}

async function main(file, way, from, to) {
  const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY", threads: "1" });
  const db = await instance.connect();
  const where = `timestamp BETWEEN to_timestamp(${from}) AND to_timestamp(${to})`;
  const times = [];
  for (let round = 0; round < (way === "single" ? 2 : 4); round++) {
    const started = process.hrtime.bigint();
    for (const query of way === "single" ? await single(db, where) : combined(where))
      await (await db.run(query)).getRows();
    times.push(Number(process.hrtime.bigint() - started) / 1e6);
  }
  times.shift(); // cold
  times.sort((a, b) => a - b);
  console.log(`p50_ms=${times[times.length >> 1].toFixed(3)}`);
  db.closeSync();
}
main(...process.argv.slice(2));
