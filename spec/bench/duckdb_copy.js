// Writes the rows between two unix seconds of FILE's table records to TARGET as Parquet, with one
// thread: duckdb_copy.js FILE TARGET FROM TO.
const fs = require("fs");
const { DuckDBInstance } = require("@duckdb/node-api");

async function main(file, target, from, to) {
  const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY", threads: "1" });
  const db = await instance.connect();
  const where = `timestamp >= to_timestamp(${from}) AND timestamp < to_timestamp(${to})`;
  const started = process.hrtime.bigint();
  const result = await db.run(`COPY (SELECT * FROM records WHERE ${where}) TO '${target}'
    (FORMAT parquet, COMPRESSION zstd)`);
  const [[rows]] = await result.getRows();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const bytes = fs.statSync(target).size;
  console.log(`rows_s=${(Number(rows) / seconds).toFixed(0)} bytes=${bytes} rows=${rows}`);
  db.closeSync();
  fs.unlinkSync(target);
}
main(...process.argv.slice(2));
