/* The least that storing records costs: prepared inserts of all columns with an index on
 * the time, a transaction per batch.
 *
 *   limit_insert --file PATH [--rows 200000] [--batch 1000] [--scan 1] [--rollups 1]
 * [--durability full|normal]
 *
 * Only the storing is timed; with --scan 1 the scanning of the NDJSON, too; with
 * --rollups 1 the cells of all the schema's sets are kept in the same transactions. */
#include <sqlite3.h>
#include <time.h>

#include "scan.h"
#include "store/file/rollup_tables.h"
#include "store/write/rollup.h"

static sqlite3 *db;

static void check(int rc) {
  if (rc != SQLITE_OK && rc != SQLITE_DONE)
    die("%s", sqlite3_errmsg(db));
}

static void execute(const char *sql) {
  check(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *prepare_insert(const struct schema *schema) {
  struct buf table = {0}, insert = {0};
  buf_literal(&table, "CREATE TABLE rows (row INTEGER PRIMARY KEY");
  buf_literal(&insert, "INSERT INTO rows VALUES (NULL");
  for (size_t i = 0; i < schema->nstored; i++) {
    buf_printf(&table, ", %s", schema->columns[i].name);
    buf_literal(&insert, ", ?");
  }
  buf_printf(&table, "); CREATE INDEX by_time ON rows (%s)", schema->columns[schema->time].name);
  buf_putc(&table, '\0');
  buf_putc(&insert, ')');
  execute(table.data);
  sqlite3_stmt *statement;
  check(sqlite3_prepare_v3(db, insert.data, insert.len, SQLITE_PREPARE_PERSISTENT,
                           &statement, NULL));
  buf_clear(&table);
  buf_clear(&insert);
  return statement;
}

static void insert_record(sqlite3_stmt *statement, const struct batch *b, const struct record *r) {
  for (size_t i = 0; i < b->schema->nstored; i++) {
    size_t len;
    switch (b->schema->columns[i].type) {
    case COLUMN_STRING: {
      const char *text = value_text(&b->text, r->v[i], &len);
      sqlite3_bind_text(statement, i + 1, text, len, SQLITE_STATIC);
      break;
    }
    case COLUMN_FLOAT:
      sqlite3_bind_double(statement, i + 1, r->v[i].f);
      break;
    default:
      sqlite3_bind_int64(statement, i + 1, r->v[i].i);
    }
  }
  check(sqlite3_step(statement));
  sqlite3_reset(statement);
}

static void store(sqlite3_stmt *statement, struct rollups *rollups, const struct batch *b) {
  execute("BEGIN IMMEDIATE");
  for (size_t i = 0; i < b->count; i++) {
    insert_record(statement, b, batch_record(b, i));
    if (rollups)
      rollups_add(rollups, batch_record(b, i), &b->text, 1);
  }
  if (rollups)
    check(rollups_flush(rollups));
  execute("COMMIT");
}

static void open_database(char **argv) {
  check(sqlite3_open_v2(option(argv, "--file", "limit.db"), &db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
  execute("PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 5000; "
          "PRAGMA cache_size = -32768; CREATE TABLE meta (key TEXT PRIMARY KEY, value); "
          "CREATE TABLE parts (max_row, state)"); /* what rollup_tables_create looks at */
  execute(strcmp(option(argv, "--durability", "full"), "full") == 0
              ? "PRAGMA synchronous = FULL"
              : "PRAGMA synchronous = NORMAL");
}

int main(int argc, char **argv) {
  (void) argc;
  uint64_t rows = option_int(argv, "--rows", 200000), batch = option_int(argv, "--batch", 1000);
  bool scan_counts = option_int(argv, "--scan", 0);
  struct record_source source = record_source_of(argv);
  struct schema *schema = load_schema();
  open_database(argv);
  sqlite3_stmt *statement = prepare_insert(schema);
  struct rollups *rollups = NULL;
  if (option_int(argv, "--rollups", 0)) {
    check(rollup_tables_create(db, schema));
    rollups = rollups_new(db, schema, (1u << schema->nsets) - 1);
  }

  int64_t took_ns = 0, cpu_ns = 0;
  for (uint64_t i = 0; i < rows; i += batch) {
    struct buf body = {0};
    scan_write(&body, &source, i, i + batch <= rows ? batch : rows - i);
    int64_t since = clock_monotonic_ns(), cpu_since = clock_thread_cpu_ns();
    struct batch *b = scan_body(schema, &body);
    if (!scan_counts)
      since = clock_monotonic_ns(), cpu_since = clock_thread_cpu_ns();
    store(statement, rollups, b);
    took_ns += clock_monotonic_ns() - since;
    cpu_ns += clock_thread_cpu_ns() - cpu_since;
    batch_free(b);
    buf_clear(&body);
  }
  printf("rows_s=%.0f cpu_us=%.3f\n", rows / (took_ns / 1e9), cpu_ns / 1e3 / rows);
  return 0;
}
