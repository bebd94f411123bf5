// node parts.js GLOB SQL: what DuckDB answers over the parts, as `parts`: a line a row, as JSON.
const { DuckDBInstance } = require("@duckdb/node-api");

const asJson = (key, value) => (typeof value === "bigint" ? Number(value) : value);

async function main() {
  const [glob, sql] = process.argv.slice(2);
  const db = await (await DuckDBInstance.create()).connect();
  await db.run(`create view parts as from read_parquet('${glob}', union_by_name = true)`);
  const result = await db.runAndReadAll(sql);
  for (const row of result.getRowObjects()) console.log(JSON.stringify(row, asJson));
}

main().catch((error) => {
  console.log(error.message);
  process.exitCode = 1;
});
