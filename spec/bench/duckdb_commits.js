// Inserts the records of FOLDER/rows.csv one by one, each in a transaction of its
// own, as ccproxy does.
const fs = require("fs");
const { DuckDBInstance } = require("@duckdb/node-api");

async function main(folder) {
  const instance = await DuckDBInstance.create(`${folder}/rows.duckdb`);
  const db = await instance.connect();
  await db.run(fs.readFileSync(`${folder}/table.sql`, "utf8"));
  const rows = await (await db.run(`SELECT * FROM read_csv('${folder}/rows.csv', header = false)`))
    .getRows();
  const insert =
    await db.prepare(
      `INSERT INTO records VALUES (${rows[0].map((_, i) => `$${i + 1}`).join(", ")})`);
  const started = process.hrtime.bigint();
  for (const row of rows) {
    insert.bind(row);
    await insert.run();
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  console.log(`rows_s=${(rows.length / seconds).toFixed(1)}`);
  db.closeSync();
}
main(process.argv[2]);
