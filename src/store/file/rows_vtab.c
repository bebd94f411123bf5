#include "store/file/rows_vtab.h"

#include <stdlib.h>

#include "base/mem.h"

/* A table-valued function of SQLite ("The Virtual Table Mechanism of SQLite",
 * 1.1.2) without parameters. */

struct view {
  sqlite3_vtab base;
  const struct rows_vtab *vtab;
};

struct vtab_cursor {
  sqlite3_vtab_cursor base;
  const struct told_layout *layout;
  const struct arrival *at, *end;
};

static int on_connect(sqlite3 *db, void *arg, int argc, const char *const *argv,
                      sqlite3_vtab **out, char **error) {
  (void) argc, (void) argv, (void) error;
  const struct rows_vtab *vtab = arg;
  const struct schema *schema = vtab->layout->schema;
  struct view *view = sqlite3_malloc(sizeof *view);
  struct buf sql = {0};
  if (view == NULL)
    return SQLITE_NOMEM;
  *view = (struct view){.vtab = vtab};
  *out = &view->base;
  buf_puts(&sql, "CREATE TABLE new_rows(");
  for (size_t i = 0; i < schema->nstored; i++)
    buf_printf(&sql, "\"%s\", ", schema->columns[i].name);
  buf_puts(&sql, "extra, told)");
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
  const struct rows_vtab *vtab = ((struct view *) base)->vtab;
  struct vtab_cursor *cursor = sqlite3_malloc(sizeof *cursor);
  if (cursor == NULL)
    return SQLITE_NOMEM;
  *cursor = (struct vtab_cursor){
      .layout = vtab->layout, .at = vtab->items, .end = vtab->items + vtab->len};
  *out = &cursor->base;
  return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *cursor) {
  sqlite3_free(cursor);
  return SQLITE_OK;
}

static int on_filter(sqlite3_vtab_cursor *cursor, int plan, const char *name, int argc,
                     sqlite3_value **argv) {
  (void) cursor, (void) plan, (void) name, (void) argc, (void) argv;
  return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *cursor) {
  ((struct vtab_cursor *) cursor)->at++;
  return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *base) {
  const struct vtab_cursor *cursor = (struct vtab_cursor *) base;
  return cursor->at == cursor->end;
}

static void result_text(sqlite3_context *context, const struct buf *text, uint32_t offset,
                        uint32_t len) {
  sqlite3_result_text(context, len > 0 ? text->data + offset : "", (int) len, SQLITE_STATIC);
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  const struct vtab_cursor *cursor = (struct vtab_cursor *) base;
  const struct record *r = cursor->at->record;
  const struct buf *text = cursor->at->text;
  const struct schema *schema = cursor->layout->schema;
  if ((size_t) column == schema->nstored) {
    if (r->extra.len > 0)
      result_text(context, text, r->extra.offset, r->extra.len);
    return SQLITE_OK;
  }
  if ((size_t) column > schema->nstored) {
    sqlite3_result_int64(context, told_of_record(cursor->layout, r, text));
    return SQLITE_OK;
  }
  union value v = r->v[column];
  switch (schema->columns[column].type) {
  case COLUMN_STRING: result_text(context, text, v.s.offset, v.s.len); break;
  case COLUMN_FLOAT: sqlite3_result_double(context, v.f); break;
  default: sqlite3_result_int64(context, v.i);
  }
  return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid) {
  *rowid = ((struct vtab_cursor *) cursor)->at->record->row;
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

int rows_vtab_register(struct rows_vtab *vtab, sqlite3 *db) {
  return sqlite3_create_module(db, "new_rows", &module, vtab);
}

void rows_vtab_free(struct rows_vtab *vtab) {
  free(vtab->items);
}

void rows_vtab_add(struct rows_vtab *vtab, const struct record *record, const struct buf *text) {
  if (vtab->len == vtab->cap) {
    vtab->cap = vtab->cap > 0 ? vtab->cap * 2 : 64;
    vtab->items = xrealloc(vtab->items, vtab->cap * sizeof *vtab->items);
  }
  vtab->items[vtab->len++] = (struct arrival){record, text};
}
