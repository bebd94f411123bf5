// Questions over Parquet files: duckdb_parts.js FOLDER THREADS [NAME SQL]..; rows is the view of
// all files.  Prints NAME_ms and, where an answer is one row, its figures as NAME_COLUMN.
const { DuckDBInstance } = require("@duckdb/node-api");

const RUNS = 5;

function printRow(name, result, row) {
  result.columnNames().forEach((column, i) => console.log(`${name}_${column}=${Number(row[i])}`));
}

async function time(db, name, sql) {
  const times = [];
  let result, rows;
  for (let run = 0; run <= RUNS; run++) {
    const started = process.hrtime.bigint();
    result = await db.run(sql);
    rows = await result.getRows();
    times.push(Number(process.hrtime.bigint() - started) / 1e6);
  }
  times.shift(); // cold
  times.sort((a, b) => a - b);
  console.log(`${name}_ms=${times[times.length >> 1].toFixed(3)}`);
  if (rows.length === 1)
    printRow(name, result, rows[0]);
}

async function main(folder, threads, ...questions) {
  const instance = await DuckDBInstance.create(":memory:", { threads });
  const db = await instance.connect();
  await db.run(`CREATE VIEW rows AS SELECT * FROM read_parquet('${folder}/*/*.parquet')`);
  for (let i = 0; i < questions.length; i += 2)
    await time(db, questions[i], questions[i + 1]);
  db.closeSync();
}
main(...process.argv.slice(2));
