#include "store/file/reading.h"

#include <uv.h>

#include "store/file/database.h"
#include "store/file/ids.h"
#include "store/file/rollup_tables.h"
#include "store/file/tables.h"

static int read_identity(struct shared *shared, sqlite3 *db) {
  struct buf seed = {0}, name = {0};
  struct hash_seed hash_seed;
  struct ids_options options = {.max_ids = shared->options.dedupe_max_ids};
  int rc = meta_get_bytes(db, "seed", &seed);
  if (rc == SQLITE_OK)
    rc = meta_get_bytes(db, "name", &name);
  if (rc == SQLITE_OK && (seed.len != sizeof hash_seed || name.len >= sizeof shared->name))
    rc = SQLITE_CORRUPT;
  if (rc == SQLITE_OK) {
    memcpy(shared->name, name.data, name.len);
    memcpy(&hash_seed, seed.data, sizeof hash_seed);
    shared->ids = ids_open(NULL, &hash_seed, &options);
  }
  buf_clear(&seed);
  buf_clear(&name);
  return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

int reading_open(struct shared *shared, struct buf *error) {
  const char *path = shared->options.path;
  sqlite3 *db = NULL;
  int rc = database_open(&db, path, ACCESS_READER);
  int status = rc == SQLITE_OK ? tables_check(db, path, shared->schema, error) : 0;
  if (rc == SQLITE_OK && status == 0)
    rc = read_identity(shared, db);
  if (rc == SQLITE_OK && status == 0)
    atomic_store(&shared->rebuilding, rollup_tables_unusable(db, shared->schema));
  if (rc != SQLITE_OK)
    database_explain(db, path, error);
  sqlite3_close(db);
  return rc != SQLITE_OK ? database_status(rc) : status;
}
