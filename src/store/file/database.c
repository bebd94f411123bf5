#include "store/file/database.h"

#include <stdlib.h>
#include <uv.h>

#include "base/hash.h"
#include "store/write/rollup.h"

/* An empty file has nothing that a journal could keep, and what it is given comes to the disk with its first record;
 * its header does by database_sync. */
static const char empty_settings[] =
    "PRAGMA page_size=16384;"
    "PRAGMA synchronous=OFF;"
    "PRAGMA journal_mode=OFF;"
    "PRAGMA journal_mode=WAL;";

static const char writer_settings[] =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA secure_delete=FAST;"
    "PRAGMA journal_size_limit=67108864;"
    "PRAGMA cache_size=-8192;"
    "PRAGMA temp_store=MEMORY;";

static const char reader_settings[] =
    "PRAGMA query_only=1;"
    "PRAGMA cache_size=-8192;"
    "PRAGMA trusted_schema=0;";

int database_open(sqlite3 **db, const char *path, enum access access) {
  bool writes = access == ACCESS_WRITER;
  int flags = writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
  int rc = sqlite3_open_v2(path, db, flags, NULL);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_busy_timeout(*db, 2000);
  sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
  sqlite3_db_config(*db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
  sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !writes, NULL);
  rc = sqlite3_wal_autocheckpoint(*db, 0);
  return rc == SQLITE_OK && !writes ? database_exec(*db, reader_settings) : rc;
}

int database_exec(sqlite3 *db, const char *sql) {
  return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int sync_file(sqlite3 *db, int which) {
  sqlite3_file *file = NULL;
  int rc = sqlite3_file_control(db, "main", which, &file);
  return rc == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY) : rc;
}

int database_sync(sqlite3 *db) {
  int rc = sync_file(db, SQLITE_FCNTL_FILE_POINTER);
  return rc == SQLITE_OK ? sync_file(db, SQLITE_FCNTL_JOURNAL_POINTER) : rc;
}

const char *database_wal_path(sqlite3 *db) {
  return sqlite3_filename_wal(sqlite3_db_filename(db, "main"));
}

int database_int(sqlite3 *db, const char *sql, int64_t *value) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW)
    *value = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int database_statement(sqlite3 *db, const struct buf *sql, sqlite3_stmt **stmt) {
  return sqlite3_prepare_v3(db, sql->data, (int) sql->len, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
}

int statement_run(sqlite3_stmt *stmt) {
  int rc = sqlite3_step(stmt);
  sqlite3_reset(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int database_status(int code) {
  switch (code & 0xff) {
  case SQLITE_OK: case SQLITE_ROW: case SQLITE_DONE: return 0;
  case SQLITE_FULL: return UV_ENOSPC;
  case SQLITE_BUSY: case SQLITE_LOCKED: return UV_EBUSY;
  case SQLITE_READONLY: case SQLITE_PERM: case SQLITE_AUTH: return UV_EACCES;
  case SQLITE_CANTOPEN: return UV_ENOENT;
  case SQLITE_INTERRUPT: return UV_ECANCELED;
  case SQLITE_NOMEM: return UV_ENOMEM;
  case SQLITE_TOOBIG: return UV_E2BIG;
  case SQLITE_ERROR: case SQLITE_RANGE: case SQLITE_MISMATCH: return UV_EINVAL;
  default: return UV_EIO;
  }
}

static const char *remedy(int code) {
  switch (code & 0xff) {
  case SQLITE_NOTADB: return "; choose another path";
  case SQLITE_CORRUPT: return "; put a backup in its place or move it away";
  case SQLITE_FULL: return "; make room on its disk";
  case SQLITE_CANTOPEN: case SQLITE_READONLY: case SQLITE_PERM: return "; mend its permissions or choose another path";
  case SQLITE_BUSY: return "; another program is using it";
  default: return "";
  }
}

void database_explain(sqlite3 *db, const char *path, struct buf *error) {
  buf_printf(error, "%s: %s%s", path, sqlite3_errmsg(db), remedy(sqlite3_errcode(db)));
}

/* ---- meta ---- */

static sqlite3_stmt *meta_statement(sqlite3 *db, const char *sql, const char *key) {
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK)
    sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
  return stmt;
}

int meta_get_int(sqlite3 *db, const char *key, int64_t *value) {
  sqlite3_stmt *stmt = meta_statement(db, "SELECT value FROM meta WHERE key = ?", key);
  int rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW)
    *value = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int meta_get_bytes(sqlite3 *db, const char *key, struct buf *value) {
  sqlite3_stmt *stmt = meta_statement(db, "SELECT value FROM meta WHERE key = ?", key);
  int rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) {
    const void *data = sqlite3_column_blob(stmt, 0);
    buf_append(value, data, (size_t) sqlite3_column_bytes(stmt, 0));
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int meta_set(sqlite3_stmt *stmt) {
  int rc = sqlite3_step(stmt);
  sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int meta_set_int(sqlite3 *db, const char *key, int64_t value) {
  sqlite3_stmt *stmt = meta_statement(db, "INSERT OR REPLACE INTO meta VALUES(?, ?)", key);
  sqlite3_bind_int64(stmt, 2, value);
  return meta_set(stmt);
}

int meta_set_bytes(sqlite3 *db, const char *key, const void *value, size_t len) {
  sqlite3_stmt *stmt = meta_statement(db, "INSERT OR REPLACE INTO meta VALUES(?, ?)", key);
  sqlite3_bind_blob(stmt, 2, value, (int) len, SQLITE_STATIC);
  return meta_set(stmt);
}

/* ---- Tables ---- */

static const char base_tables[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE segments(segment INTEGER PRIMARY KEY, last_row INTEGER, ids INTEGER, made_us INTEGER);"
    "CREATE TABLE ids(segment INTEGER, first INTEGER, data BLOB, PRIMARY KEY(segment, first)) WITHOUT ROWID;"
    "CREATE TABLE metric_series(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID;";

/* What files of an earlier day lack. */
static const char later_additions[] =
    "CREATE TABLE IF NOT EXISTS metric_log(number INTEGER PRIMARY KEY, series BLOB);"
    "INSERT OR IGNORE INTO meta SELECT 'counted', coalesce(max(rowid), 0) FROM rows";

static void write_column(struct buf *sql, const struct column *c) {
  static const char *const types[] = {
    [COLUMN_STRING] = "TEXT",     [COLUMN_INTEGER] = "INTEGER", [COLUMN_FLOAT] = "REAL",
    [COLUMN_BOOLEAN] = "INTEGER", [COLUMN_TIME] = "INTEGER",
  };
  buf_printf(sql, "\"%s\" %s DEFAULT ", c->name, types[c->type]);
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
  buf_printf(&sql, "extra TEXT); CREATE INDEX rows_%s ON rows(\"%s\")", time, time);
  return exec_buf(db, &sql);
}

static int create(sqlite3 *db, const struct schema *schema) {
  int rc = database_exec(db, base_tables);
  if (rc == SQLITE_OK)
    rc = create_rows(db, schema);
  unsigned char random[20];
  random_bytes(random, sizeof random);
  char name[9];
  sqlite3_snprintf(sizeof name, name, "%02x%02x%02x%02x", random[0], random[1], random[2], random[3]);
  if (rc == SQLITE_OK)
    rc = meta_set_bytes(db, "name", name, 8);
  if (rc == SQLITE_OK)
    rc = meta_set_bytes(db, "seed", random + 4, 16);
  struct buf sql = {0};
  buf_printf(&sql, "PRAGMA application_id=%d; PRAGMA user_version=%d", DATABASE_APPLICATION_ID, DATABASE_VERSION);
  return rc == SQLITE_OK ? exec_buf(db, &sql) : (buf_clear(&sql), rc);
}

static int add_column(sqlite3 *db, const struct column *c) {
  struct buf sql = {0};
  buf_puts(&sql, "ALTER TABLE rows ADD COLUMN ");
  write_column(&sql, c);
  return exec_buf(db, &sql);
}

/* Columns that schema.lua has and the file does not; what the file has beyond the schema stays, unread. */
static int add_columns(sqlite3 *db, const struct schema *schema) {
  int rc = SQLITE_OK;
  for (size_t i = 0; i < schema->nstored && rc == SQLITE_OK; i++) {
    const char *name = schema->columns[i].name;
    if (sqlite3_table_column_metadata(db, NULL, "rows", name, NULL, NULL, NULL, NULL, NULL) != SQLITE_OK)
      rc = add_column(db, &schema->columns[i]);
  }
  return rc;
}

/* What kind of file this is.  UV_EINVAL: not one of ours. */
static int identify(sqlite3 *db, const char *path, bool *empty, struct buf *error) {
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
  if (!*empty && id != DATABASE_APPLICATION_ID) {
    buf_printf(error, "%s: this database belongs to another program; choose another path", path);
    return UV_EINVAL;
  }
  if (version > DATABASE_VERSION) {
    buf_printf(error, "%s: made by a newer Moonledger (file version %lld, this program knows %d); upgrade the program",
               path, (long long) version, DATABASE_VERSION);
    return UV_EINVAL;
  }
  return 0;
}

int database_prepare(sqlite3 *db, const char *path, const struct schema *schema, struct buf *error) {
  bool empty = false;
  int status = identify(db, path, &empty, error);
  if (status < 0)
    return status;
  int rc = empty ? database_exec(db, empty_settings) : SQLITE_OK;
  if (rc == SQLITE_OK)
    rc = database_exec(db, writer_settings);
  if (rc == SQLITE_OK)
    rc = database_exec(db, "BEGIN IMMEDIATE");
  if (rc == SQLITE_OK)
    rc = empty ? create(db, schema) : add_columns(db, schema);
  if (rc == SQLITE_OK)
    rc = rollup_create_tables(db, schema);
  if (rc == SQLITE_OK)
    rc = database_exec(db, later_additions);
  if (rc == SQLITE_OK)
    rc = database_exec(db, "COMMIT");
  if (rc == SQLITE_OK)
    return 0;
  database_explain(db, path, error);
  if (!sqlite3_get_autocommit(db))
    database_exec(db, "ROLLBACK");
  return database_status(rc);
}
