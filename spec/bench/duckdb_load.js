// duckdb_load.js FILE TABLE.SQL CSV..: makes a DuckDB file out of CSV files.
const fs = require("fs");
const { DuckDBInstance } = require("@duckdb/node-api");

async function main(file, table, ...parts) {
  const instance = await DuckDBInstance.create(file);
  const db = await instance.connect();
  if (fs.existsSync(table))
    await db.run(fs.readFileSync(table, "utf8"));
  for (const part of parts)
    await db.run(`COPY records FROM '${part}' (HEADER false)`);
  db.closeSync();
  instance.closeSync();
}
main(...process.argv.slice(2));
