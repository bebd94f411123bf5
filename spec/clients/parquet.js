// node parquet.js FOLDER: reads each NAME.parquet there with DuckDB and with hyparquet, and prints
// what differs from NAME.tsv: bytes in hex, integers, times in microseconds, the bits of doubles.
const fs = require("node:fs");
const path = require("node:path");
const { DuckDBInstance } = require("@duckdb/node-api");

function bits(number) {
  if (Number.isNaN(number)) return "nan";
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}

function show(value, column) {
  if (value === null || value === undefined) return "null";
  if (column.endsWith("double")) return bits(value);
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "string") return Buffer.from(value).toString("hex");
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return value.toString();
}

// { names, rows }: rows as show() gives them.
async function byDuckDB(db, file) {
  const all = `from read_parquet('${file}', file_row_number = true) order by file_row_number`;
  const result = await db.runAndReadAll(`select * exclude (file_row_number) replace
    (epoch_us("time") as "time", lower(hex("text")) as "text", lower(hex("blob")) as "blob",
    lower(hex("maybe_text")) as "maybe_text") ${all}`);
  const names = result.columnNames();
  const isHex = (name) => name.endsWith("text") || name === "blob";
  const rows = result.getRows().map((row) =>
    row.map((value, i) => isHex(names[i]) && value !== null ? value : show(value, names[i])));
  return { names, rows };
}

async function byHyparquet(file) {
  const { parquetReadObjects, parquetMetadata } = await import("hyparquet");
  const { compressors } = await import("hyparquet-compressors");
  const bytes = fs.readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const names = parquetMetadata(buffer).schema.slice(1).map((column) => column.name);
  const parsers = { timestampFromMicroseconds: (n) => n };
  const objects = await parquetReadObjects({ file: buffer, compressors, parsers, utf8: false });
  return { names, rows: objects.map((row) => names.map((name) => show(row[name], name))) };
}

function compare(file, reader, found, expected) {
  if (found.rows.length !== expected.length)
    console.log(`${file}: ${reader} has ${found.rows.length} rows, not ${expected.length}`);
  for (let i = 0; i < expected.length; i++) {
    const line = found.rows[i] && found.rows[i].join("\t");
    if (line === expected[i]) continue;
    console.log(`${file}: ${reader}, row ${i}\n  ${line}\n  ${expected[i]}`);
    return;
  }
}

// Statistics that are wrong make rows vanish for those who ask with a condition.
async function compareCounts(db, file, found, expected) {
  for (const column of ["integer", "text"]) {
    const place = found.names.indexOf(column);
    const all = expected.map((line) => line.split("\t")[place]);
    for (const value of [...new Set(all)].slice(0, 12)) {
      const asked = column === "text" ? Buffer.from(value, "hex").toString() : BigInt(value);
      const result = await db.runAndReadAll(
        `select count(*)::integer from '${file}' where "${column}" = $1`, [asked]);
      const count = result.getRows()[0][0];
      const wanted = all.filter((other) => other === value).length;
      if (count !== wanted)
        console.log(`${file}: ${count} rows with ${column} ${value}, not ${wanted}`);
    }
  }
}

async function main(folder) {
  const instance = await DuckDBInstance.create(":memory:");
  const db = await instance.connect();
  const names = fs.readdirSync(folder).filter((name) => name.endsWith(".parquet"));
  for (const name of names) {
    const file = path.join(folder, name);
    const text = fs.readFileSync(file.replace(/parquet$/, "tsv"), "utf8");
    const expected = text.split("\n").slice(0, -1);
    const found = await byDuckDB(db, file);
    compare(name, "DuckDB", found, expected);
    compare(name, "hyparquet", await byHyparquet(file), expected);
    await compareCounts(db, file, found, expected);
  }
  console.log(`${names.length} files`);
  db.closeSync();
  instance.closeSync();
}

main(process.argv[2]);
