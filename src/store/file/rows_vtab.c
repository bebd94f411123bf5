#include "store/file/rows_vtab.h"

#include <stdlib.h>

#include "base/mem.h"

/* A table-valued function of SQLite ("The Virtual Table Mechanism of SQLite", 1.1.2) without parameters. */

struct view {
  sqlite3_vtab base;
  const struct incoming *incoming;
};

struct cursor {
  sqlite3_vtab_cursor base;
  const struct schema *schema;
  const struct arrival *at, *end;
};

static int on_connect(sqlite3 *db, void *arg, int argc, const char *const *argv, sqlite3_vtab **out, char **error) {
  (void) argc, (void) argv, (void) error;
  const struct incoming *incoming = arg;
  struct view *view = sqlite3_malloc(sizeof *view);
  struct buf sql = {0};
  if (view == NULL)
    return SQLITE_NOMEM;
  *view = (struct view) {.incoming = incoming};
  *out = &view->base;
  buf_puts(&sql, "CREATE TABLE incoming(");
  for (size_t i = 0; i < incoming->schema->nstored; i++)
    buf_printf(&sql, "\"%s\", ", incoming->schema->columns[i].name);
  buf_puts(&sql, "extra)");
  buf_putc(&sql, '\0');
  int rc = sqlite3_declare_vtab(db, sql.data);
  buf_clear(&sql);
  return rc;
}

static int on_disconnect(sqlite3_vtab *table) {
  sqlite3_free(table);
  return SQLITE_OK;
}

static int on_best_index(sqlite3_vtab *table, sqlite3_index_info *plan) {
  (void) table, (void) plan; /* it is read from front to back */
  return SQLITE_OK;
}

static int on_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  const struct incoming *incoming = ((struct view *) base)->incoming;
  struct cursor *cursor = sqlite3_malloc(sizeof *cursor);
  if (cursor == NULL)
    return SQLITE_NOMEM;
  *cursor = (struct cursor) {
      .schema = incoming->schema, .at = incoming->items, .end = incoming->items + incoming->len};
  *out = &cursor->base;
  return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *cursor) {
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static int on_filter(sqlite3_vtab_cursor *cursor, int plan, const char *name, int argc, sqlite3_value **argv) {
  (void) cursor, (void) plan, (void) name, (void) argc, (void) argv;
  return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *cursor) {
  ((struct cursor *) cursor)->at++;
  return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *base) {
  const struct cursor *cursor = (struct cursor *) base;
  return cursor->at == cursor->end;
}

static void result_text(sqlite3_context *context, const struct buf *text, uint32_t offset, uint32_t len) {
  sqlite3_result_text(context, len > 0 ? text->data + offset : "", (int) len, SQLITE_STATIC);
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  const struct cursor *cursor = (struct cursor *) base;
  const struct record *r = cursor->at->record;
  const struct buf *text = cursor->at->text;
  if ((size_t) column == cursor->schema->nstored) {
    if (r->extra.len > 0)
      result_text(context, text, r->extra.offset, r->extra.len);
    return SQLITE_OK;
  }
  union value v = r->v[column];
  switch (cursor->schema->columns[column].type) {
  case COLUMN_STRING: result_text(context, text, v.s.offset, v.s.len); break;
  case COLUMN_FLOAT: sqlite3_result_double(context, v.f); break;
  default: sqlite3_result_int64(context, v.i);
  }
  return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid) {
  *rowid = ((struct cursor *) cursor)->at->record->row;
  return SQLITE_OK;
}

static const sqlite3_module module = {
    .xConnect = on_connect,
    .xDisconnect = on_disconnect,
    .xBestIndex = on_best_index,
    .xOpen = on_open,
    .xClose = on_close,
    .xFilter = on_filter,
    .xNext = on_next,
    .xEof = on_eof,
    .xColumn = on_column,
    .xRowid = on_rowid,
};

int incoming_register(struct incoming *incoming, sqlite3 *db) {
  return sqlite3_create_module(db, "incoming", &module, incoming);
}

void incoming_free(struct incoming *incoming) {
  free(incoming->items);
}

void incoming_add(struct incoming *incoming, const struct record *record, const struct buf *text) {
  if (incoming->len == incoming->cap) {
    incoming->cap = incoming->cap > 0 ? incoming->cap * 2 : 64;
    incoming->items = xrealloc(incoming->items, incoming->cap * sizeof *incoming->items);
  }
  incoming->items[incoming->len++] = (struct arrival) {record, text};
}
