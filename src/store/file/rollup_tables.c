#include "store/file/rollup_tables.h"

#include <stdio.h>

#include "record/condition.h"
#include "store/file/coverage.h"
#include "store/file/database.h"

/* The layout of a set's table as text: what it was made from decides whether its
 * cells can be kept. */

static void write_when(struct buf *out, const struct conditions *c, const struct schema *schema) {
  for (size_t i = 0; c != NULL && i < c->count; i++) {
    const struct condition *item = &c->items[i];
    buf_printf(out, " %s%s", schema->columns[item->column].name, condition_op_name(item->op));
    for (size_t j = 0; j < item->nvalues; j++) {
      buf_putc(out, j == 0 ? ' ' : ',');
      value_write_json(out, &schema->columns[item->column], item->values[j], &c->text);
    }
  }
}

static void write_layout(struct buf *out, const struct schema *schema,
                         const struct rollup_set *set) {
  buf_printf(out, "tiers %u", set->tiers);
  if (set->max_keys > 0)
    buf_printf(out, " keys %u", set->max_keys);
  buf_puts(out, " by");
  for (size_t i = 0; i < set->nby; i++)
    buf_printf(out, " %s", schema->columns[set->by[i]].name);
  for (size_t i = 0; i < schema->nmeasures; i++) {
    const struct measure *m = &schema->measures[i];
    buf_printf(out, "; %s %s", m->name,
               m->kind == MEASURE_SUM ? schema->columns[m->column].name : "rows");
    buf_printf(out, " * %.17g", m->scale);
    write_when(out, m->when, schema);
  }
  for (size_t i = 0; i < schema->nsketches; i++) {
    const struct sketched *k = &schema->sketches[i];
    buf_printf(out, "; sketch %s %s", k->name, schema->columns[k->value].name);
    if (k->per >= 0)
      buf_printf(out, " / %s", schema->columns[k->per].name);
    write_when(out, k->when, schema);
  }
}

static const char *column_type(enum column_type type) {
  return type == COLUMN_STRING ? "TEXT" : type == COLUMN_FLOAT ? "REAL" : "INTEGER";
}

static void write_table(struct buf *sql, const struct schema *schema,
                        const struct rollup_set *set) {
  buf_printf(
      sql,
      "DROP TABLE IF EXISTS rollup_%s; CREATE TABLE rollup_%s(tier INTEGER, bucket INTEGER",
      set->name, set->name);
  for (size_t i = 0; i < set->nby; i++) {
    const struct column *c = &schema->columns[set->by[i]];
    buf_printf(sql, ", \"%s\" %s", c->name, column_type(c->type));
  }
  buf_puts(sql, ", row_count INTEGER");
  for (size_t i = 0; i < schema->nmeasures; i++)
    buf_printf(sql, ", \"%s\" INTEGER", schema->measures[i].name);
  for (size_t i = 0; i < schema->nsketches; i++)
    buf_printf(sql, ", \"%s_sketch\" BLOB", schema->sketches[i].name);
  buf_puts(sql, ", PRIMARY KEY(tier, bucket");
  for (size_t i = 0; i < set->nby; i++)
    buf_printf(sql, ", \"%s\"", schema->columns[set->by[i]].name);
  buf_puts(sql, ")) WITHOUT ROWID");
  buf_putc(sql, 0);
}

static void meta_name(char out[80], const char *what, const struct rollup_set *set) {
  sqlite3_snprintf(80, out, "%s:%s", what, set->name);
}

static int run(sqlite3 *db, char *sql) {
  int rc = database_exec(db, sql);
  sqlite3_free(sql);
  return rc;
}

static int create_table(sqlite3 *db, const struct schema *schema, const struct rollup_set *set) {
  struct buf sql = {0};
  write_table(&sql, schema, set);
  int rc = database_exec(db, sql.data);
  buf_clear(&sql);
  return rc;
}

/* A set whose declaration has changed after rows had gone (coverage.h): its cells before `remade`
 * are kept with all that they have in common with the new declaration, those since then are made
 * anew. */
struct change {
  sqlite3 *db;
  const struct schema *schema;
  const struct rollup_set *set;
  const char *found, *wanted; /* the layouts */
  int64_t remade;
};

static int cover_since(const struct change *c, const char *kind, const char *name) {
  char what[80];
  sqlite3_snprintf(sizeof what, what, "%s:%s", kind, name);
  return coverage_set(c->db, what, c->remade);
}

static int cover_cells_since(const struct change *c, uint8_t tiers) {
  int rc = SQLITE_OK;
  for (int tier = 0; tier < TIERS && rc == SQLITE_OK; tier++) {
    char what[80];
    sqlite3_snprintf(sizeof what, what, "set:%s:%s", c->set->name, tier_names[tier]);
    if (tiers >> tier & 1)
      rc = coverage_set(c->db, what, c->remade);
  }
  return rc;
}

/* The part of a layout that begins so, up to a semicolon. */
static const char *part_of(const char *layout, const char *beginning, size_t *len) {
  size_t n = strlen(beginning);
  for (const char *p = layout; p != NULL; p = strchr(p, ';'), p += p != NULL ? 2 : 0)
    if (strncmp(p, beginning, n) == 0) {
      *len = strcspn(p, ";");
      return p;
    }
  return NULL;
}

static bool same_part(const struct change *c, const char *beginning) {
  size_t a = 0, b = 0;
  const char *found = part_of(c->found, beginning, &a), *wanted = part_of(c->wanted, beginning, &b);
  return found != NULL && wanted != NULL && a == b && memcmp(found, wanted, a) == 0;
}

static bool same_key(const struct change *c) {
  const char *found = strstr(c->found, " by"), *wanted = strstr(c->wanted, " by");
  size_t a = found != NULL ? strcspn(found, ";") : 0, b = strcspn(wanted, ";");
  return a == b && memcmp(found, wanted, a) == 0;
}

static bool has(const struct change *c, const char *table, const char *column) {
  return sqlite3_table_column_metadata(c->db, NULL, table, column, NULL, NULL, NULL, NULL, NULL) ==
         SQLITE_OK;
}

/* NAME_before_SECOND, and a number where that is taken: a column of the table, or another table. */
static char *name_before(const struct change *c, const char *table, const char *name) {
  bool taken = true;
  char *found = NULL;
  for (int n = 1; taken; n++) {
    sqlite3_free(found);
    found = sqlite3_mprintf(n == 1 ? "%s_before_%lld" : "%s_before_%lld_%d", name,
                            (long long) c->remade, n);
    taken = table != NULL ? has(c, table, found) : has(c, found, "bucket");
  }
  return found;
}

/* A column that the new declaration has and the old one has not; one that now means something else
 * stays under another name. */
static int renew_column(const struct change *c, const char *column, const char *type) {
  char table[80];
  sqlite3_snprintf(sizeof table, table, "rollup_%s", c->set->name);
  int rc = SQLITE_OK;
  if (has(c, table, column)) {
    char *before = name_before(c, table, column);
    rc = run(c->db, sqlite3_mprintf("ALTER TABLE \"%w\" RENAME COLUMN \"%w\" TO \"%w\"", table,
                                    column, before));
    sqlite3_free(before);
  }
  if (rc == SQLITE_OK)
    rc = run(c->db,
             sqlite3_mprintf("ALTER TABLE \"%w\" ADD COLUMN \"%w\" %s", table, column, type));
  return rc;
}

static int renew_columns(const struct change *c) {
  int rc = SQLITE_OK;
  char beginning[100], column[80];
  for (size_t i = 0; i < c->schema->nmeasures && rc == SQLITE_OK; i++) {
    const char *name = c->schema->measures[i].name;
    sqlite3_snprintf(sizeof beginning, beginning, "%s ", name);
    if (same_part(c, beginning))
      continue;
    rc = renew_column(c, name, "INTEGER");
    if (rc == SQLITE_OK)
      rc = cover_since(c, "measure", name);
  }
  for (size_t i = 0; i < c->schema->nsketches && rc == SQLITE_OK; i++) {
    const char *name = c->schema->sketches[i].name;
    sqlite3_snprintf(sizeof beginning, beginning, "sketch %s ", name);
    sqlite3_snprintf(sizeof column, column, "%s_sketch", name);
    if (same_part(c, beginning))
      continue;
    rc = renew_column(c, column, "BLOB");
    if (rc == SQLITE_OK)
      rc = cover_since(c, "sketch", name);
  }
  return rc;
}

static int empty_since(sqlite3 *db, const struct rollup_set *set, int64_t since) {
  int rc = SQLITE_OK;
  for (int tier = 0; tier < TIERS && rc == SQLITE_OK; tier++)
    rc = run(db, sqlite3_mprintf("DELETE FROM rollup_%s WHERE tier = %d AND bucket >= %lld",
                                 set->name, tier, (long long) since));
  return rc;
}

static int change_table(const struct change *c) {
  unsigned before = 0;
  sscanf(c->found, "tiers %u", &before);
  int rc = empty_since(c->db, c->set, c->remade);
  if (rc == SQLITE_OK)
    rc = cover_cells_since(c, c->set->tiers & (uint8_t) ~before);
  return rc == SQLITE_OK ? renew_columns(c) : rc;
}

/* What stands under this name is no longer the set's, and nothing but it has the past. */
static int put_aside(const struct change *c) {
  char table[80];
  sqlite3_snprintf(sizeof table, table, "rollup_%s", c->set->name);
  int rc = SQLITE_OK;
  if (has(c, table, "bucket")) {
    char *before = name_before(c, NULL, table);
    rc = run(c->db, sqlite3_mprintf("ALTER TABLE \"%w\" RENAME TO \"%w\"", table, before));
    sqlite3_free(before);
  }
  if (rc == SQLITE_OK)
    rc = create_table(c->db, c->schema, c->set);
  return rc == SQLITE_OK ? cover_cells_since(c, UINT8_MAX) : rc;
}

static int make_table(const struct change *c) {
  char name[80];
  int rc;
  if (c->remade == COVERS_EVER)
    rc = create_table(c->db, c->schema, c->set);
  else if (same_key(c))
    rc = change_table(c);
  else
    rc = put_aside(c);
  meta_name(name, "layout", c->set);
  if (rc == SQLITE_OK)
    rc = meta_set_bytes(c->db, name, c->wanted, strlen(c->wanted));
  meta_name(name, "rebuilding", c->set);
  return rc == SQLITE_OK ? meta_set_int(c->db, name, 1) : rc;
}

/* The set's layout as it is declared and as the file has it, "" for none; both end with a NUL. */
static int read_layouts(sqlite3 *db, const struct schema *schema, const struct rollup_set *set,
                        struct buf *wanted, struct buf *found) {
  char name[80];
  meta_name(name, "layout", set);
  write_layout(wanted, schema, set);
  buf_putc(wanted, '\0');
  int rc = meta_get_bytes(db, name, found);
  buf_putc(found, '\0');
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int check_set(sqlite3 *db, const struct schema *schema, const struct rollup_set *set,
                     int64_t remade, bool *made) {
  struct buf wanted = {0}, found = {0};
  int rc = read_layouts(db, schema, set, &wanted, &found);
  if (rc == SQLITE_OK && strcmp(found.data, wanted.data) != 0) {
    struct change change = {db, schema, set, found.data, wanted.data, remade};
    rc = make_table(&change);
    *made = true;
  }
  buf_clear(&wanted);
  buf_clear(&found);
  return rc;
}

/* A set that is not declared misses what comes meanwhile. */
static int forget_others(sqlite3 *db, const struct schema *schema) {
  struct buf sql = {0};
  buf_puts(&sql, "DELETE FROM meta WHERE key GLOB 'layout:*' AND key NOT IN (''");
  for (size_t i = 0; i < schema->nsets; i++)
    buf_printf(&sql, ", 'layout:%s'", schema->sets[i].name);
  buf_append(&sql, ")", 2);
  int rc = database_exec(db, sql.data);
  buf_clear(&sql);
  return rc;
}

/* A rebuild that was under way starts over together with the new ones. */
static int start_rebuild(sqlite3 *db, const struct schema *schema, int64_t remade,
                         int64_t last_row) {
  uint32_t rebuilding = rollup_tables_rebuilding(db, schema);
  int rc = remade == COVERS_EVER ? rollup_tables_empty(db, schema, rebuilding) : SQLITE_OK;
  for (size_t i = 0; i < schema->nsets && rc == SQLITE_OK && remade != COVERS_EVER; i++)
    if (rebuilding >> i & 1)
      rc = empty_since(db, &schema->sets[i], remade);
  if (rc == SQLITE_OK)
    rc = meta_set_int(db, "rebuild_upto", last_row);
  return rc == SQLITE_OK ? meta_set_int(db, "rebuilt", 0) : rc;
}

int rollup_tables_create(sqlite3 *db, const struct schema *schema) {
  bool made = false;
  int64_t last_row = 0;
  struct coverage coverage;
  int rc = coverage_read(db, schema, &coverage);
  int64_t remade = coverage_remade(&coverage);
  if (rc == SQLITE_OK)
    rc = forget_others(db, schema);
  for (size_t i = 0; i < schema->nsets && rc == SQLITE_OK; i++)
    rc = check_set(db, schema, &schema->sets[i], remade, &made);
  if (rc != SQLITE_OK || !made)
    return rc;
  rc = database_int(db,
                    "SELECT max(n) FROM (SELECT max(rowid) AS n FROM rows UNION ALL "
                    "SELECT max(max_row) FROM parts WHERE state = 1)",
                    &last_row);
  if (rc != SQLITE_OK)
    return rc;
  return last_row > 0 ? start_rebuild(db, schema, remade, last_row) : rollup_tables_rebuilt(db);
}

int rollup_tables_empty(sqlite3 *db, const struct schema *schema, uint32_t mask) {
  int rc = SQLITE_OK;
  for (size_t i = 0; i < schema->nsets && rc == SQLITE_OK; i++) {
    if (!(mask >> i & 1))
      continue;
    char *sql = sqlite3_mprintf("DELETE FROM rollup_%s", schema->sets[i].name);
    rc = database_exec(db, sql);
    sqlite3_free(sql);
  }
  return rc;
}

uint32_t rollup_tables_rebuilding(sqlite3 *db, const struct schema *schema) {
  uint32_t mask = 0;
  for (size_t i = 0; i < schema->nsets; i++) {
    char name[80];
    int64_t value = 0;
    meta_name(name, "rebuilding", &schema->sets[i]);
    if (meta_get_int(db, name, &value) == SQLITE_OK)
      mask |= UINT32_C(1) << i;
  }
  return mask;
}

uint32_t rollup_tables_unusable(sqlite3 *db, const struct schema *schema) {
  uint32_t mask = rollup_tables_rebuilding(db, schema);
  for (size_t i = 0; i < schema->nsets; i++) {
    struct buf wanted = {0}, found = {0};
    if (read_layouts(db, schema, &schema->sets[i], &wanted, &found) != SQLITE_OK ||
        strcmp(found.data, wanted.data) != 0)
      mask |= UINT32_C(1) << i;
    buf_clear(&wanted);
    buf_clear(&found);
  }
  return mask;
}

int rollup_tables_rebuilt(sqlite3 *db) {
  return database_exec(
      db,
      "DELETE FROM meta WHERE key GLOB 'rebuilding:*' OR key IN ('rebuilt', 'rebuild_upto')");
}
