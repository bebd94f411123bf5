#include "store/file/database.h"

#include <uv.h>

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
  return rc == SQLITE_OK
             ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY)
             : rc;
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
  case SQLITE_CANTOPEN:
  case SQLITE_READONLY:
  case SQLITE_PERM:
    return "; fix its permissions or choose another path";
  case SQLITE_BUSY: return "; another program is using it";
  default: return "";
  }
}

const char *database_why(sqlite3 *db, int rc) {
  return sqlite3_extended_errcode(db) == rc ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
}

void database_explain(sqlite3 *db, const char *path, struct buf *error) {
  int code = sqlite3_errcode(db);
  bool ours = database_status(code) == 0; /* SQLite has read it well, and it makes no sense */
  buf_printf(error, "%s: %s%s", path, ours ? sqlite3_errstr(SQLITE_CORRUPT) : sqlite3_errmsg(db),
             remedy(ours ? SQLITE_CORRUPT : code));
}

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

int meta_get_exactly(sqlite3 *db, const char *key, void *bytes, size_t len) {
  struct buf value = {0};
  int rc = meta_get_bytes(db, key, &value);
  if (rc == SQLITE_OK && value.len == len)
    memcpy(bytes, value.data, len);
  else if (rc == SQLITE_OK)
    rc = SQLITE_DONE;
  buf_clear(&value);
  return rc;
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
