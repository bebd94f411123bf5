#include "store/file/rollup_tables.h"

#include "record/condition.h"
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

static int create_table(sqlite3 *db, const struct schema *schema, const struct rollup_set *set,
                        const struct buf *layout) {
  struct buf sql = {0};
  char name[80];
  write_table(&sql, schema, set);
  int rc = database_exec(db, sql.data);
  buf_clear(&sql);
  meta_name(name, "layout", set);
  if (rc == SQLITE_OK)
    rc = meta_set_bytes(db, name, layout->data, layout->len);
  meta_name(name, "rebuilding", set);
  return rc == SQLITE_OK ? meta_set_int(db, name, 1) : rc;
}

static int check_set(sqlite3 *db, const struct schema *schema, const struct rollup_set *set,
                     bool *made) {
  struct buf wanted = {0}, found = {0};
  char name[80];
  meta_name(name, "layout", set);
  write_layout(&wanted, schema, set);
  int rc = meta_get_bytes(db, name, &found);
  bool same = rc == SQLITE_OK && wanted.len == found.len &&
              memcmp(wanted.data, found.data, found.len) == 0;
  if (rc == SQLITE_DONE)
    rc = SQLITE_OK;
  if (rc == SQLITE_OK && !same) {
    rc = create_table(db, schema, set, &wanted);
    *made = true;
  }
  buf_clear(&wanted);
  buf_clear(&found);
  return rc;
}

/* A rebuild that was under way starts over together with the new ones. */
static int start_rebuild(sqlite3 *db, const struct schema *schema, int64_t last_row) {
  int rc = rollup_tables_empty(db, schema, rollup_tables_rebuilding(db, schema));
  if (rc == SQLITE_OK)
    rc = meta_set_int(db, "rebuild_upto", last_row);
  return rc == SQLITE_OK ? meta_set_int(db, "rebuilt", 0) : rc;
}

int rollup_tables_create(sqlite3 *db, const struct schema *schema) {
  bool made = false;
  int64_t last_row = 0;
  int rc = SQLITE_OK;
  for (size_t i = 0; i < schema->nsets && rc == SQLITE_OK; i++)
    rc = check_set(db, schema, &schema->sets[i], &made);
  if (rc != SQLITE_OK || !made)
    return rc;
  rc = database_int(db,
                    "SELECT max(n) FROM (SELECT max(rowid) AS n FROM rows UNION ALL "
                    "SELECT max(max_row) FROM parts WHERE state = 1)",
                    &last_row);
  if (rc != SQLITE_OK)
    return rc;
  return last_row > 0 ? start_rebuild(db, schema, last_row) : rollup_tables_rebuilt(db);
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

int rollup_tables_rebuilt(sqlite3 *db) {
  return database_exec(
      db,
      "DELETE FROM meta WHERE key GLOB 'rebuilding:*' OR key IN ('rebuilt', 'rebuild_upto')");
}
