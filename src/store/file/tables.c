#include "store/file/tables.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/hash.h"
#include "base/log.h"
#include "store/file/database.h"
#include "store/file/rollup_tables.h"
#include "store/file/told.h"

/* Of the file's header; the version is 2 once there was a part (cold/manifest.h). */
enum { APPLICATION_ID = 0x6d6f6f6e, NEW_VERSION = 1, FILE_VERSION = 2 };
enum { INCREMENTAL = 2 };                                 /* auto_vacuum, as SQLite numbers it */

/* The header, with a rollback journal, so that a power cut leaves an empty file and no half one.
 * auto_vacuum is settled with the first table: a file without it never gives space back to the
 * disk. */
static const char empty_settings[] =
    "PRAGMA page_size=16384;"
    "PRAGMA auto_vacuum=INCREMENTAL;"
    "PRAGMA journal_mode=WAL;";

static const char writer_settings[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA secure_delete=FAST;"
    "PRAGMA journal_size_limit=67108864;"
    "PRAGMA cache_size=-8192;"
    "PRAGMA temp_store=MEMORY;";

static const char base_tables[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE segments(segment INTEGER PRIMARY KEY, last_row INTEGER, ids INTEGER, made_us "
    "INTEGER, "
    "filter BLOB);"
    "CREATE TABLE ids(segment INTEGER, first INTEGER, data BLOB, PRIMARY KEY(segment, first)) "
    "WITHOUT ROWID;"
    "CREATE TABLE metric_series(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;";

/* What files of an earlier day lack. */
static const char later_additions[] =
    "CREATE TABLE IF NOT EXISTS metric_log(number INTEGER PRIMARY KEY, series BLOB);"
    "CREATE TABLE IF NOT EXISTS parts(part INTEGER PRIMARY KEY, day INTEGER, file TEXT, "
    "state INTEGER, upto INTEGER, rows INTEGER, bytes INTEGER, checksum INTEGER, "
    "min_time INTEGER, max_time INTEGER, min_row INTEGER, max_row INTEGER, "
    "taken_time INTEGER, taken_row INTEGER);"
    "CREATE TABLE IF NOT EXISTS part_masks(part INTEGER, row INTEGER, PRIMARY KEY(part, row)) "
    "WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS late_ids(fingerprint INTEGER, row INTEGER, "
    "PRIMARY KEY(fingerprint, row)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS journal(entry INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, "
    "kind TEXT, time INTEGER, data TEXT);"
    "CREATE INDEX IF NOT EXISTS journal_time ON journal(topic, time);"
    "CREATE INDEX IF NOT EXISTS journal_topic ON journal(topic);"
    "CREATE TABLE IF NOT EXISTS kept(topic TEXT, key TEXT, data TEXT, PRIMARY KEY(topic, key)) "
    "WITHOUT ROWID;"
    "INSERT OR IGNORE INTO meta SELECT 'counted', coalesce(max(rowid), 0) FROM rows";

void tables_write_default(struct buf *sql, const struct column *c) {
  if (c->type == COLUMN_STRING) {
    char *quoted = sqlite3_mprintf("%Q", c->text != NULL ? c->text : "");
    buf_puts(sql, quoted);
    sqlite3_free(quoted);
  } else if (c->type == COLUMN_FLOAT) {
    buf_put_double(sql, c->value.f);
  } else {
    buf_put_int(sql, c->value.i);
  }
}

static void write_column(struct buf *sql, const struct column *c) {
  static const char *const types[] = {
    [COLUMN_STRING] = "TEXT",     [COLUMN_INTEGER] = "INTEGER", [COLUMN_FLOAT] = "REAL",
    [COLUMN_BOOLEAN] = "INTEGER", [COLUMN_TIME] = "INTEGER",
  };
  buf_printf(sql, "\"%s\" %s DEFAULT ", c->name, types[c->type]);
  tables_write_default(sql, c);
}

static int exec_buf(sqlite3 *db, struct buf *sql) {
  buf_putc(sql, 0);
  int rc = database_exec(db, sql->data);
  buf_clear(sql);
  return rc;
}

static int create_rows(sqlite3 *db, const struct schema *schema) {
  struct buf sql = {0};
  buf_puts(&sql, "CREATE TABLE rows(");
  for (size_t i = 0; i < schema->nstored; i++) {
    write_column(&sql, &schema->columns[i]);
    buf_puts(&sql, ", ");
  }
  const char *time = schema->columns[schema->time].name;
  buf_printf(&sql, "extra TEXT, told); CREATE INDEX rows_%s ON rows(\"%s\")", time, time);
  return exec_buf(db, &sql);
}

static int create_tables(sqlite3 *db, const struct schema *schema) {
  unsigned char random[20];
  char name[STORAGE_NAME_BYTES + 1];
  random_bytes(random, sizeof random);
  sqlite3_snprintf(sizeof name, name, "%02x%02x%02x%02x", random[0], random[1], random[2],
                   random[3]);
  int rc = database_exec(db, base_tables);
  if (rc == SQLITE_OK)
    rc = create_rows(db, schema);
  if (rc == SQLITE_OK)
    rc = meta_set_bytes(db, "name", name, STORAGE_NAME_BYTES);
  if (rc == SQLITE_OK)
    rc = meta_set_bytes(db, "seed", random + 4, 16);
  if (rc != SQLITE_OK)
    return rc;
  struct buf sql = {0};
  buf_printf(&sql, "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
             NEW_VERSION);
  return exec_buf(db, &sql);
}

int tables_name(sqlite3 *db, char name[STORAGE_NAME_BYTES + 1], struct hash_seed *seed) {
  char bytes[STORAGE_NAME_BYTES + 1] = "";
  int rc = meta_get_exactly(db, "name", bytes, STORAGE_NAME_BYTES);
  if (rc == SQLITE_OK)
    rc = meta_get_exactly(db, "seed", seed, sizeof *seed);
  if (rc == SQLITE_OK)
    memcpy(name, bytes, sizeof bytes);
  return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static bool has_column(sqlite3 *db, const char *table, const char *name) {
  return sqlite3_table_column_metadata(db, NULL, table, name, NULL, NULL, NULL, NULL, NULL) ==
         SQLITE_OK;
}

/* The columns of the schema that the file was last opened with, each after a space, with one at
 * the end; empty: it is from before that was kept. */
static int last_columns(sqlite3 *db, struct buf *names) {
  int rc = meta_get_bytes(db, "columns", names);
  buf_putc(names, '\0');
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int remember_columns(sqlite3 *db, const struct schema *schema) {
  struct buf names = {0};
  for (size_t i = 0; i < schema->nstored; i++)
    buf_printf(&names, " %s", schema->columns[i].name);
  buf_putc(&names, ' ');
  int rc = meta_set_bytes(db, "columns", names.data, names.len);
  buf_clear(&names);
  return rc;
}

/* What senders told of a column while the schema had lost it stands in extra. */
static bool was_lost(const struct buf *last, const char *name) {
  char wanted[100];
  snprintf(wanted, sizeof wanted, " %s ", name);
  return *last->data != '\0' && strstr(last->data, wanted) == NULL;
}

static int add_column(sqlite3 *db, const struct column *c) {
  struct buf sql = {0};
  buf_puts(&sql, "ALTER TABLE rows ADD COLUMN ");
  write_column(&sql, c);
  return exec_buf(db, &sql);
}

static void filling_name(char out[80], const struct column *c) {
  sqlite3_snprintf(80, out, "filling:%s", c->name);
}

/* Rows that are there already may have it in extra. */
static int fill_column(sqlite3 *db, const struct column *c) {
  char name[80];
  filling_name(name, c);
  return meta_set_int(db, name, 1);
}

/* A fill that was under way starts over together with the new ones. */
static int start_filling(sqlite3 *db) {
  int64_t last_row = 0;
  int rc = database_int(db, "SELECT max(rowid) FROM rows", &last_row);
  if (rc == SQLITE_OK)
    rc = meta_set_int(db, "fill_upto", last_row);
  return rc == SQLITE_OK ? meta_set_int(db, "filled", 0) : rc;
}

/* Columns that schema.lua has and the file, or the schema before, has not; what the file has
 * beyond the schema stays, unread, until it comes back. */
static int add_columns(sqlite3 *db, const struct schema *schema) {
  struct buf last = {0};
  int rc = last_columns(db, &last);
  bool filling = false;
  for (size_t i = 0; i < schema->nstored && rc == SQLITE_OK; i++) {
    const struct column *c = &schema->columns[i];
    bool is_new = !has_column(db, "rows", c->name);
    if (!is_new && !was_lost(&last, c->name))
      continue;
    rc = is_new ? add_column(db, c) : SQLITE_OK;
    if (rc == SQLITE_OK)
      rc = fill_column(db, c);
    filling = true;
  }
  buf_clear(&last);
  if (rc == SQLITE_OK && !has_column(db, "rows", "told"))
    rc = database_exec(db, "ALTER TABLE rows ADD COLUMN told");
  if (rc == SQLITE_OK && !has_column(db, "segments", "filter"))
    rc = database_exec(db, "ALTER TABLE segments ADD COLUMN filter BLOB");
  return rc == SQLITE_OK && filling ? start_filling(db) : rc;
}

uint64_t tables_filling(sqlite3 *db, const struct schema *schema) {
  uint64_t columns = 0;
  int64_t count = 0;
  database_int(db, "SELECT count(*) FROM meta WHERE key GLOB 'filling:*'", &count);
  for (size_t i = 0; i < schema->nstored && count > 0; i++) {
    char name[80];
    int64_t value = 0;
    filling_name(name, &schema->columns[i]);
    if (meta_get_int(db, name, &value) == SQLITE_OK)
      columns |= UINT64_C(1) << i;
  }
  return columns;
}

int tables_filled(sqlite3 *db) {
  return database_exec(
      db, "DELETE FROM meta WHERE key GLOB 'filling:*' OR key IN ('filled', 'fill_upto')");
}

int tables_identify(sqlite3 *db, const char *path, bool *empty, struct buf *error) {
  int64_t id = 0, version = 0, tables = 0;
  int rc = database_int(db, "PRAGMA application_id", &id);
  if (rc == SQLITE_OK)
    rc = database_int(db, "PRAGMA user_version", &version);
  if (rc == SQLITE_OK)
    rc = database_int(db, "SELECT count(*) FROM sqlite_schema", &tables);
  if (rc != SQLITE_OK) {
    database_explain(db, path, error);
    return database_status(rc);
  }
  *empty = tables == 0 && id == 0;
  if (!*empty && id != APPLICATION_ID) {
    buf_printf(error, "%s: this database belongs to another program; choose another path", path);
    return UV_EINVAL;
  }
  if (version > FILE_VERSION) {
    buf_printf(
        error,
        "%s: made by a newer Moonledger (file version %lld, this program knows %d); "
        "upgrade the program",
        path, (long long) version, FILE_VERSION);
    return UV_EINVAL;
  }
  return 0;
}

static int make_tables(sqlite3 *db, const struct schema *schema, bool empty) {
  int rc = empty ? database_exec(db, empty_settings) : SQLITE_OK;
  if (rc == SQLITE_OK)
    rc = database_exec(db, writer_settings);
  if (rc == SQLITE_OK)
    rc = database_exec(db, "BEGIN IMMEDIATE");
  if (rc == SQLITE_OK)
    rc = empty ? create_tables(db, schema) : add_columns(db, schema);
  if (rc == SQLITE_OK)
    rc = database_exec(db, later_additions);
  if (rc == SQLITE_OK)
    rc = rollup_tables_create(db, schema);
  if (rc == SQLITE_OK)
    rc = remember_columns(db, schema);
  if (rc == SQLITE_OK)
    rc = told_layout_prepare(db, schema);
  return rc == SQLITE_OK ? database_exec(db, "COMMIT") : rc;
}

int tables_check(sqlite3 *db, const char *path, const struct schema *schema, struct buf *error) {
  bool empty = false, fits = true;
  int status = tables_identify(db, path, &empty, error);
  if (status < 0)
    return status;
  if (empty) {
    buf_printf(error, "%s: " TABLES_NOTHING, path);
    return UV_EINVAL;
  }
  for (size_t i = 0; i < schema->nstored && fits; i++)
    fits = has_column(db, "rows", schema->columns[i].name);
  if (fits && has_column(db, "rows", "told") && has_column(db, "metric_log", "series"))
    return 0;
  buf_printf(error,
             "%s: made by an earlier Moonledger or for another lua/schema.lua: start the server on "
             "it once, which brings it up to date",
             path);
  return UV_EINVAL;
}

bool tables_can_shrink(sqlite3 *db) {
  int64_t mode = 0;
  return database_int(db, "PRAGMA auto_vacuum", &mode) == SQLITE_OK && mode == INCREMENTAL;
}

int tables_prepare(sqlite3 *db, const char *path, const struct schema *schema, struct buf *error) {
  bool empty = false;
  int status = tables_identify(db, path, &empty, error);
  if (status < 0)
    return status;
  int rc = make_tables(db, schema, empty);
  if (rc == SQLITE_OK) {
    if (!tables_can_shrink(db))
      log_info("this database keeps the space of what is deleted, for it is older than "
               "auto_vacuum: stop the server and run moonledger upgrade",
               log_str("file", path));
    return 0;
  }
  database_explain(db, path, error);
  if (!sqlite3_get_autocommit(db))
    database_exec(db, "ROLLBACK");
  return database_status(rc);
}
