#include "store/file/reading.h"

#include "store/file/database.h"
#include "store/file/ids.h"
#include "store/file/rollup_tables.h"
#include "store/file/tables.h"

static int open_ids(struct shared *shared, sqlite3 *db) {
  struct ids_options options = {.max_ids = shared->options.dedupe_max_ids};
  struct hash_seed seed;
  int rc = tables_name(db, shared->name, &seed);
  if (rc == SQLITE_OK)
    shared->ids = ids_open(NULL, &seed, &options);
  return rc;
}

int reading_open(struct shared *shared, struct buf *error) {
  const char *path = shared->options.path;
  sqlite3 *db = NULL;
  int rc = database_open(&db, path, ACCESS_READER);
  int status = rc == SQLITE_OK ? tables_check(db, path, shared->schema, error) : 0;
  if (rc == SQLITE_OK && status == 0)
    rc = open_ids(shared, db);
  if (rc == SQLITE_OK && status == 0)
    atomic_store(&shared->rebuilding, rollup_tables_unusable(db, shared->schema));
  if (rc != SQLITE_OK)
    database_explain(db, path, error);
  sqlite3_close(db);
  return rc != SQLITE_OK ? database_status(rc) : status;
}
