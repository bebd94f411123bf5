#include "store/seal/part_columns.h"

#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/cold/part_value.h"
#include "store/file/database.h"

/* Which kinds of values a column has, a bit of 1 << KIND each. */
enum { NOTHING = 0, INTEGERS = 1 << KIND_INTEGER, DOUBLES = 1 << KIND_DOUBLE };

static const struct {
  enum parquet_type parquet;
  unsigned kinds;
  const char *table;
} types[] = {
    [COLUMN_STRING] = {PARQUET_TEXT, 1 << KIND_TEXT, "TEXT"},
    [COLUMN_INTEGER] = {PARQUET_INTEGER, INTEGERS, "INTEGER"},
    [COLUMN_FLOAT] = {PARQUET_DOUBLE, DOUBLES, "REAL"},
    [COLUMN_BOOLEAN] = {PARQUET_BOOLEAN, INTEGERS, "INTEGER"},
    [COLUMN_TIME] = {PARQUET_TIME, INTEGERS, "INTEGER"},
};

/* Where kinds differ a text can hold them all. */
static enum parquet_type type_of(unsigned kinds) {
  return kinds == INTEGERS ? PARQUET_INTEGER : kinds == DOUBLES ? PARQUET_DOUBLE : PARQUET_TEXT;
}

static void begin(struct part_columns *columns, const struct schema *schema) {
  *columns = (struct part_columns){.count = 1, .items[0] = {"rowid", PARQUET_INTEGER, false}};
  for (size_t i = 0; i < schema->nstored; i++) {
    const struct column *c = &schema->columns[i];
    columns->items[columns->count++] =
        (struct parquet_column){c->name, types[c->type].parquet, false};
    columns->by_schema |= UINT64_C(1) << i;
  }
  columns->extra = columns->count;
  columns->items[columns->count++] = (struct parquet_column){"extra", PARQUET_TEXT, true};
  columns->items[columns->count++] = (struct parquet_column){"told", PARQUET_INTEGER, true};
  columns->items[columns->count++] = (struct parquet_column){"told_stamps", PARQUET_BYTES, true};
  columns->beyond = columns->count;
}

static void keep(struct part_columns *columns, size_t at, unsigned kinds) {
  columns->items[at].type = type_of(kinds);
  columns->items[at].optional = true;
  columns->as_is[at] = true;
  if (at < columns->extra)
    columns->by_schema &= ~(UINT64_C(1) << (at - 1));
}

static size_t find(const struct part_columns *columns, const char *name) {
  size_t at = columns->beyond;
  while (at < columns->count && strcmp(columns->items[at].name, name) != 0)
    at++;
  return at;
}

/* The place of a column that the schema has not.  0: there are too many. */
static size_t add(struct part_columns *columns, const char *name, struct buf *why) {
  size_t at = find(columns, name);
  if (at < columns->count)
    return at;
  if (columns->count == PARQUET_MAX_COLUMNS) {
    buf_printf(why, "rows have more than %d columns, with those that lua/schema.lua has lost: "
               "drop some of these (ALTER TABLE rows DROP COLUMN)", PARQUET_MAX_COLUMNS);
    return 0;
  }
  columns->items[columns->count++].name = xstrdup(name);
  return at;
}

void part_columns_clear(struct part_columns *columns) {
  for (size_t i = columns->beyond; i < columns->count; i++)
    free((char *) columns->items[i].name);
  *columns = (struct part_columns){0};
}

struct table_day {
  sqlite3 *db;
  const struct schema *schema;
  const struct part *part;
};

/* What a column holds on the day beside its default. */
static int find_kinds(const struct table_day *day, const char *name, const char *fallback,
                      unsigned *kinds) {
  const char *time = day->schema->columns[day->schema->time].name;
  struct buf sql = {0};
  sqlite3_stmt *stmt = NULL;
  *kinds = NOTHING;
  buf_printf(&sql, "SELECT DISTINCT typeof(\"%s\") = 'integer', typeof(\"%s\") = 'real' FROM rows "
             "WHERE \"%s\" >= ? AND \"%s\" < ? AND rowid <= ? AND \"%s\" IS NOT NULL "
             "AND \"%s\" IS NOT %s", name, name, time, time, name, name, fallback);
  int rc = sqlite3_prepare_v2(day->db, sql.data, (int) sql.len, &stmt, NULL);
  sqlite3_bind_int64(stmt, 1, day->part->day * DAY_US);
  sqlite3_bind_int64(stmt, 2, (day->part->day + 1) * DAY_US);
  sqlite3_bind_int64(stmt, 3, day->part->upto);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW; rc = SQLITE_OK)
    *kinds |= sqlite3_column_int(stmt, 0)   ? INTEGERS
              : sqlite3_column_int(stmt, 1) ? DOUBLES
                                            : 1 << KIND_TEXT;
  sqlite3_finalize(stmt);
  buf_clear(&sql);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* stmt: name, type and default of a column of the table. */
static int look_at_column(struct part_columns *columns, const struct table_day *day,
                          sqlite3_stmt *stmt, struct buf *why) {
  const char *name = (const char *) sqlite3_column_text(stmt, 0),
             *type = (const char *) sqlite3_column_text(stmt, 1),
             *fallback = (const char *) sqlite3_column_text(stmt, 2);
  int known = schema_column(day->schema, name, strlen(name));
  bool stored = known >= 0 && (size_t) known < day->schema->nstored;
  unsigned kinds;
  if (strcmp(name, "extra") == 0 || strcmp(name, "told") == 0 ||
      (stored && strcmp(type, types[day->schema->columns[known].type].table) == 0))
    return 0;
  int rc = find_kinds(day, name, fallback != NULL ? fallback : "NULL", &kinds);
  if (rc != SQLITE_OK) {
    buf_puts(why, sqlite3_errmsg(day->db));
    return database_status(rc);
  }
  size_t at = kinds == NOTHING ? 0 : stored ? (size_t) known + 1 : add(columns, name, why);
  if (at > 0)
    keep(columns, at, kinds);
  return at > 0 || kinds == NOTHING ? 0 : UV_E2BIG;
}

static int is_stopped(void *stop) {
  return atomic_load((const atomic_bool *) stop);
}

int part_columns_of_table(struct part_columns *columns, sqlite3 *db, const struct schema *schema,
                          const struct part *part, const atomic_bool *stop, struct buf *why) {
  const struct table_day day = {db, schema, part};
  sqlite3_stmt *stmt = NULL;
  int status = 0;
  begin(columns, schema);
  sqlite3_progress_handler(db, 10000, is_stopped, (void *) stop);
  int rc = sqlite3_prepare_v2(db, "SELECT name, type, dflt_value FROM pragma_table_info('rows')",
                              -1, &stmt, NULL);
  while (rc == SQLITE_OK && status == 0 && sqlite3_step(stmt) == SQLITE_ROW)
    status = look_at_column(columns, &day, stmt, why);
  sqlite3_progress_handler(db, 0, NULL, NULL);
  sqlite3_finalize(stmt);
  if (atomic_load(stop))
    return UV_ECANCELED;
  return rc == SQLITE_OK ? status : database_status(rc);
}

static unsigned kind_bit(const struct cursor *c, int column) {
  return 1u << part_kind_of(parquet_column(c->file, (size_t) column)->type);
}

/* One of the schema is as it stands in the parts where one of them has it with another type. */
static void look_at_stored(struct part_columns *columns, const struct schema *schema,
                           struct cursor *const *parts, size_t nparts, size_t i) {
  unsigned kinds = NOTHING, own = types[schema->columns[i].type].kinds;
  for (size_t k = 0; k < nparts; k++) {
    int column = parts[k]->columns[i] >= 0 ? parts[k]->columns[i] : parts[k]->kept[i];
    kinds |= column >= 0 ? kind_bit(parts[k], column) : 0;
  }
  if ((kinds & ~own) != 0)
    keep(columns, i + 1, kinds);
}

static int look_beyond(struct part_columns *columns, const struct schema *schema,
                       struct cursor *const *parts, size_t nparts, struct buf *why) {
  unsigned kinds[PARQUET_MAX_COLUMNS] = {0};
  for (size_t k = 0; k < nparts; k++) {
    const struct cursor *c = parts[k];
    for (size_t i = 0; i < parquet_columns(c->file); i++) {
      if (!cursor_is_beyond(c, schema, i))
        continue;
      size_t at = add(columns, parquet_column(c->file, i)->name, why);
      if (at == 0)
        return UV_E2BIG;
      kinds[at] |= kind_bit(c, (int) i);
      keep(columns, at, kinds[at]);
    }
  }
  return 0;
}

int part_columns_of_parts(struct part_columns *columns, const struct schema *schema,
                          struct cursor *const *parts, size_t nparts, struct buf *why) {
  begin(columns, schema);
  for (size_t i = 0; i < schema->nstored; i++)
    look_at_stored(columns, schema, parts, nparts, i);
  return look_beyond(columns, schema, parts, nparts, why);
}
