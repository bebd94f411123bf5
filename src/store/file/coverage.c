#include "store/file/coverage.h"

#include <string.h>

#include "store/file/database.h"

enum { PREFIX = sizeof "since:" - 1 };

const char *const tier_names[TIERS] = {
    [TIER_MINUTE] = "minute", [TIER_HOUR] = "hour", [TIER_DAY] = "day"};

const char coverage_sql[] = "SELECT key, value FROM meta WHERE key >= 'since:' AND key < 'since;'";

/* set:NAME:TIER */
static bool names_cells(const char *what, const struct rollup_set *set, int tier) {
  char name[80];
  sqlite3_snprintf(sizeof name, name, "set:%s:%s", set->name, tier_names[tier]);
  return strcmp(what, name) == 0;
}

/* The name after "KIND:"; NULL: what is of another kind. */
static const char *name_of(const char *what, const char *kind) {
  size_t len = strlen(kind);
  return strncmp(what, kind, len) == 0 && what[len] == ':' ? what + len + 1 : NULL;
}

static void take_named(const char *what, int64_t since, const struct schema *schema,
                       struct coverage *c) {
  const char *measure = name_of(what, "measure"), *sketch = name_of(what, "sketch");
  for (size_t i = 0; i < schema->nsets; i++)
    for (int tier = 0; tier < TIERS; tier++)
      if (names_cells(what, &schema->sets[i], tier))
        c->sets[i][tier] = since;
  for (size_t i = 0; measure != NULL && i < schema->nmeasures; i++)
    if (strcmp(schema->measures[i].name, measure) == 0)
      c->measures[i] = since;
  for (size_t i = 0; sketch != NULL && i < schema->nsketches; i++)
    if (strcmp(schema->sketches[i].name, sketch) == 0)
      c->sketches[i] = since;
}

static void take_one(const char *what, int64_t since, const struct schema *schema,
                     struct coverage *c) {
  for (int tier = 0; tier < TIERS; tier++)
    if (strcmp(what, tier_names[tier]) == 0)
      c->tiers[tier] = since;
  if (strcmp(what, "rows") == 0)
    c->rows = since;
  take_named(what, since, schema, c);
}

int coverage_take(sqlite3_stmt *stmt, const struct schema *schema, struct coverage *c) {
  int rc;
  c->rows = COVERS_EVER;
  for (int tier = 0; tier < TIERS; tier++)
    c->tiers[tier] = COVERS_EVER;
  for (size_t i = 0; i < SCHEMA_MAX_SETS; i++)
    for (int tier = 0; tier < TIERS; tier++)
      c->sets[i][tier] = COVERS_EVER;
  for (size_t i = 0; i < SCHEMA_MAX_MEASURES; i++)
    c->measures[i] = COVERS_EVER;
  for (size_t i = 0; i < SCHEMA_MAX_SKETCHES; i++)
    c->sketches[i] = COVERS_EVER;
  while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
    take_one((const char *) sqlite3_column_text(stmt, 0) + PREFIX, sqlite3_column_int64(stmt, 1),
             schema, c);
  sqlite3_reset(stmt);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int coverage_read(sqlite3 *db, const struct schema *schema, struct coverage *c) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, coverage_sql, -1, &stmt, NULL);
  if (rc == SQLITE_OK)
    rc = coverage_take(stmt, schema, c);
  sqlite3_finalize(stmt);
  return rc;
}

int coverage_set(sqlite3 *db, const char *what, int64_t since) {
  char key[80];
  sqlite3_snprintf(sizeof key, key, "since:%s", what);
  return meta_set_int(db, key, since);
}

int coverage_forget(sqlite3 *db) {
  return database_exec(db, "DELETE FROM meta WHERE key >= 'since:' AND key < 'since;'");
}
