#include "store/cold/rows_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/cold/part_stream.h"
#include "store/cold/part_value.h"

/* A virtual table ("The Virtual Table Mechanism of SQLite"): first the rows of the table, then
 * those of the parts.  Conditions on the time and on the rowid narrow down both; SQLite itself
 * tests them again. */

enum { FROM_EXTRA = -1, FROM_TOLD = -2, FROM_BEYOND = -3, MOST_CONSTRAINTS = 16 };

struct rows_table {
  sqlite3_vtab base;
  sqlite3 *db;
  struct view *view;
  size_t ncolumns;
  char **names;
  int *from; /* column of the schema, or one of the above, by column of the table */
  sqlite3_value **defaults; /* of those beyond the schema; else NULL */
};

struct rows_cursor {
  sqlite3_vtab_cursor base;
  sqlite3_stmt *stmt; /* NULL: the rows of the table are through */
  int *at;            /* column of stmt, by column of the table; -1: not asked for */
  size_t part;        /* that the stream is of */
  struct part_stream stream;
  struct batch *row;
  const struct record *read; /* of the stream's row; NULL: not read yet */
  uint64_t wanted;
  bool with_extra;
  int64_t from, to, only_row; /* the last: -1: not only one */
  bool ended;
};

static struct rows_table *table_of(struct rows_cursor *c) {
  return (struct rows_table *) c->base.pVtab;
}

static int fail(struct rows_cursor *c) {
  struct rows_table *t = table_of(c);
  sqlite3_free(t->base.zErrMsg);
  t->base.zErrMsg = sqlite3_mprintf("%s", view_why(t->view));
  return SQLITE_CORRUPT;
}

static int source_of(const struct schema *schema, const char *name) {
  int column = schema_column(schema, name, strlen(name));
  if (strcmp(name, "extra") == 0)
    return FROM_EXTRA;
  if (strcmp(name, "told") == 0)
    return FROM_TOLD;
  return column >= 0 && (size_t) column < schema->nstored ? column : FROM_BEYOND;
}

static void free_table(struct rows_table *t) {
  for (size_t i = 0; i < t->ncolumns; i++) {
    free(t->names[i]);
    sqlite3_value_free(t->defaults[i]);
  }
  free(t->defaults);
  free(t->names);
  free(t->from);
  sqlite3_free(t);
}

static void name_columns(struct rows_table *t, sqlite3_stmt *stmt, struct buf *sql) {
  t->ncolumns = (size_t) sqlite3_column_count(stmt);
  t->names = xcalloc(t->ncolumns, sizeof *t->names);
  t->from = xcalloc(t->ncolumns, sizeof *t->from);
  t->defaults = xcalloc(t->ncolumns, sizeof *t->defaults);
  buf_puts(sql, "CREATE TABLE rows(");
  for (size_t i = 0; i < t->ncolumns; i++) {
    const char *type = sqlite3_column_decltype(stmt, (int) i);
    t->names[i] = xstrdup(sqlite3_column_name(stmt, (int) i));
    t->from[i] = source_of(view_schema(t->view), t->names[i]);
    buf_printf(sql, "%s\"%s\" %s", i > 0 ? ", " : "", t->names[i], type != NULL ? type : "");
  }
  buf_puts(sql, ")");
  buf_putc(sql, '\0');
}

static sqlite3_value *evaluate(sqlite3 *db, const char *expression) {
  sqlite3_stmt *stmt = NULL;
  sqlite3_value *value = NULL;
  struct buf sql = {0};
  buf_printf(&sql, "SELECT %s", expression);
  if (sqlite3_prepare_v2(db, sql.data, (int) sql.len, &stmt, NULL) == SQLITE_OK &&
      sqlite3_step(stmt) == SQLITE_ROW)
    value = sqlite3_value_dup(sqlite3_column_value(stmt, 0));
  sqlite3_finalize(stmt);
  buf_clear(&sql);
  return value;
}

/* As the table has them; they stand in it in the order of SELECT *. */
static int read_defaults(struct rows_table *t) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(t->db, "SELECT dflt_value FROM pragma_table_info('rows', 'main')",
                              -1, &stmt, NULL);
  for (size_t i = 0; rc == SQLITE_OK && i < t->ncolumns && sqlite3_step(stmt) == SQLITE_ROW; i++)
    if (t->from[i] == FROM_BEYOND && sqlite3_column_type(stmt, 0) == SQLITE_TEXT)
      t->defaults[i] = evaluate(t->db, (const char *) sqlite3_column_text(stmt, 0));
  sqlite3_finalize(stmt);
  return rc;
}

static int on_connect(sqlite3 *db, void *view, int argc, const char *const *argv,
                      sqlite3_vtab **out, char **error) {
  (void) argc, (void) argv, (void) error;
  sqlite3_stmt *stmt = NULL;
  struct rows_table *t = sqlite3_malloc(sizeof *t);
  struct buf sql = {0};
  if (t == NULL)
    return SQLITE_NOMEM;
  *t = (struct rows_table){.db = db, .view = view};
  int rc = sqlite3_prepare_v2(db, "SELECT * FROM main.rows", -1, &stmt, NULL);
  if (rc == SQLITE_OK) {
    name_columns(t, stmt, &sql);
    rc = sqlite3_declare_vtab(db, sql.data);
  }
  if (rc == SQLITE_OK)
    rc = read_defaults(t);
  buf_clear(&sql);
  sqlite3_finalize(stmt);
  if (rc == SQLITE_OK)
    *out = &t->base;
  else
    free_table(t);
  return rc;
}

static int on_disconnect(sqlite3_vtab *base) {
  free_table((struct rows_table *) base);
  return SQLITE_OK;
}

static const char *operator_of(unsigned char op) {
  switch (op) {
  case SQLITE_INDEX_CONSTRAINT_EQ: return "=";
  case SQLITE_INDEX_CONSTRAINT_GT: return ">";
  case SQLITE_INDEX_CONSTRAINT_GE: return ">=";
  case SQLITE_INDEX_CONSTRAINT_LT: return "<";
  case SQLITE_INDEX_CONSTRAINT_LE: return "<=";
  default: return NULL;
  }
}

/* The plan's text: the columns that are used, and "rTIME=" or "rROW=" .. for each argument: t or r,
 * an operator and a comma. */
static int on_best_index(sqlite3_vtab *base, sqlite3_index_info *plan) {
  const struct rows_table *t = (struct rows_table *) base;
  struct buf text = {0};
  int n = 0;
  double rows = 1e7;
  buf_printf(&text, "%llx,", (unsigned long long) plan->colUsed);
  for (int i = 0; i < plan->nConstraint && n < MOST_CONSTRAINTS; i++) {
    int column = plan->aConstraint[i].iColumn;
    bool is_row = column < 0;
    bool is_time = !is_row && t->from[column] == view_schema(t->view)->time;
    const char *op = operator_of(plan->aConstraint[i].op);
    if (!plan->aConstraint[i].usable || op == NULL || (!is_row && !is_time))
      continue;
    plan->aConstraintUsage[i].argvIndex = ++n;
    buf_printf(&text, "%c%s,", is_row ? 'r' : 't', op);
    rows = is_row && *op == '=' ? 1 : rows / 8;
  }
  buf_putc(&text, '\0');
  plan->idxStr = sqlite3_mprintf("%s", text.data);
  plan->needToFreeIdxStr = 1;
  plan->estimatedCost = rows;
  plan->estimatedRows = (sqlite3_int64) rows;
  buf_clear(&text);
  return plan->idxStr != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

static int on_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  struct rows_table *t = (struct rows_table *) base;
  struct rows_cursor *c = sqlite3_malloc(sizeof *c);
  if (c == NULL)
    return SQLITE_NOMEM;
  *c = (struct rows_cursor){.row = batch_new(view_schema(t->view)),
                            .at = xcalloc(t->ncolumns, sizeof *c->at)};
  *out = &c->base;
  return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *base) {
  struct rows_cursor *c = (struct rows_cursor *) base;
  sqlite3_finalize(c->stmt);
  batch_free(c->row);
  free(c->at);
  sqlite3_free(c);
  return SQLITE_OK;
}

static void narrow(struct rows_cursor *c, char what, const char *op, sqlite3_value *value) {
  int64_t n = sqlite3_value_int64(value), after = n < INT64_MAX ? n + 1 : n;
  if (sqlite3_value_type(value) != SQLITE_INTEGER)
    return; /* SQLite tests it */
  if (what == 'r') {
    if (*op == '=')
      c->only_row = n;
    return;
  }
  if (*op != '<') {
    int64_t from = strcmp(op, ">") == 0 ? after : n;
    c->from = from > c->from ? from : c->from;
  }
  if (*op != '>') {
    int64_t to = strcmp(op, "<") == 0 ? n : after;
    c->to = to < c->to ? to : c->to;
  }
}

/* Columns from the 64th on share the last bit. */
static bool is_used(uint64_t used, size_t column) {
  return used >> (column < 63 ? column : 63) & 1;
}

static void write_columns(struct rows_cursor *c, uint64_t used, struct buf *sql) {
  const struct rows_table *t = table_of(c);
  int next = 1;
  c->wanted = 0;
  c->with_extra = false;
  buf_puts(sql, "SELECT rowid");
  for (size_t i = 0; i < t->ncolumns; i++) {
    c->at[i] = is_used(used, i) ? next++ : -1;
    if (c->at[i] < 0)
      continue;
    buf_printf(sql, ", \"%s\"", t->names[i]);
    c->with_extra |= t->from[i] == FROM_EXTRA;
    if (t->from[i] >= 0)
      c->wanted |= UINT64_C(1) << t->from[i];
  }
  buf_puts(sql, " FROM main.rows WHERE 1");
}

/* The statement that reads the table, and the window for the parts. */
static int prepare(struct rows_cursor *c, const char *text, int argc, sqlite3_value **argv) {
  const struct rows_table *t = table_of(c);
  const char *time = view_schema(t->view)->columns[view_schema(t->view)->time].name;
  char *rest;
  struct buf sql = {0};
  write_columns(c, strtoull(text, &rest, 16), &sql);
  for (int i = 0; i < argc; i++) {
    char what = rest[1], op[3] = {0};
    size_t len = strcspn(rest + 2, ",");
    memcpy(op, rest + 2, len < sizeof op ? len : sizeof op - 1);
    rest += 2 + len;
    buf_printf(&sql, " AND \"%s\" %s ?", what == 'r' ? "rowid" : time, op);
    narrow(c, what, op, argv[i]);
  }
  int rc = sqlite3_prepare_v2(t->db, sql.data, (int) sql.len, &c->stmt, NULL);
  buf_clear(&sql);
  for (int i = 0; i < argc; i++)
    sqlite3_bind_value(c->stmt, i + 1, argv[i]);
  return rc;
}

/* To the first row of a part from `part` on. */
static int start_part(struct rows_cursor *c) {
  struct rows_table *t = table_of(c);
  for (; c->part < view_parts(t->view); c->part++) {
    const struct part *part = view_part(t->view, c->part);
    if (part->max_time < c->from || part->min_time >= c->to)
      continue;
    struct cursor *cursor = view_cursor(t->view, t->db, c->part);
    if (cursor == NULL ||
        part_stream_start(&c->stream, t->view, cursor, c->from, c->to) != SQLITE_OK)
      return fail(c);
    if (!c->stream.ended)
      return SQLITE_OK;
  }
  c->ended = true;
  return SQLITE_OK;
}

/* The one row that is asked for, when it is in a part. */
static int find_only_row(struct rows_cursor *c) {
  struct rows_table *t = table_of(c);
  struct cursor *cursor;
  size_t place;
  int rc = view_find(t->view, t->db, c->only_row, &cursor, &place);
  c->ended = rc != SQLITE_OK;
  if (rc == SQLITE_OK)
    c->stream = (struct part_stream){.cursor = cursor, .group = cursor->group,
                                     .page = cursor->page, .place = place, .row = c->only_row};
  return rc == SQLITE_OK || rc == SQLITE_DONE ? SQLITE_OK : fail(c);
}

static int step_table(struct rows_cursor *c) {
  int rc = sqlite3_step(c->stmt);
  if (rc == SQLITE_ROW)
    return SQLITE_OK;
  rc = sqlite3_finalize(c->stmt);
  c->stmt = NULL;
  if (rc != SQLITE_OK)
    return rc;
  return c->only_row >= 0 ? find_only_row(c) : start_part(c);
}

static int on_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                     sqlite3_value **argv) {
  (void) plan;
  struct rows_cursor *c = (struct rows_cursor *) base;
  sqlite3_finalize(c->stmt);
  c->stmt = NULL;
  c->part = 0;
  c->from = INT64_MIN;
  c->to = INT64_MAX;
  c->only_row = -1;
  c->ended = false;
  c->read = NULL;
  int rc = prepare(c, text, argc, argv);
  return rc == SQLITE_OK ? step_table(c) : rc;
}

static int on_next(sqlite3_vtab_cursor *base) {
  struct rows_cursor *c = (struct rows_cursor *) base;
  c->read = NULL;
  if (c->stmt != NULL)
    return step_table(c);
  if (c->only_row >= 0) {
    c->ended = true;
    return SQLITE_OK;
  }
  if (part_stream_next(&c->stream, table_of(c)->view) != SQLITE_OK)
    return fail(c);
  if (!c->stream.ended)
    return SQLITE_OK;
  c->part++;
  return start_part(c);
}

static int on_eof(sqlite3_vtab_cursor *base) {
  return ((struct rows_cursor *) base)->ended;
}

static int result_told(struct rows_cursor *c, sqlite3_context *context) {
  struct stored_told told;
  if (!cursor_told(table_of(c)->view, c->stream.cursor, c->stream.place, &told))
    return fail(c);
  if (told.is_integer)
    sqlite3_result_int64(context, told.integer);
  else if (told.len > 0)
    sqlite3_result_blob(context, told.blob, (int) told.len, SQLITE_TRANSIENT);
  return SQLITE_OK;
}

/* A part that has not the column had only its default, or is older. */
static int result_beyond(struct rows_cursor *c, sqlite3_context *context, int column) {
  const struct rows_table *t = table_of(c);
  struct cursor *part = c->stream.cursor;
  struct part_value value = {0};
  int at = parquet_find(part->file, t->names[column]);
  cursor_seek(part, c->stream.group, c->stream.page);
  if (at >= 0 && !part_value_read(t->view, part, at, c->stream.place, &value))
    return fail(c);
  if (value.kind == KIND_INTEGER)
    sqlite3_result_int64(context, value.v.i);
  else if (value.kind == KIND_DOUBLE)
    sqlite3_result_double(context, value.v.f);
  else if (value.kind == KIND_TEXT)
    sqlite3_result_text(context, value.v.s.len > 0 ? value.v.s.data : "", (int) value.v.s.len,
                        SQLITE_TRANSIENT);
  else if (t->defaults[column] != NULL)
    sqlite3_result_value(context, t->defaults[column]);
  return SQLITE_OK;
}

static void result_text(struct rows_cursor *c, sqlite3_context *context, uint32_t offset,
                        uint32_t len) {
  sqlite3_result_text(context, len > 0 ? c->row->text.data + offset : "", (int) len,
                      SQLITE_TRANSIENT);
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  struct rows_cursor *c = (struct rows_cursor *) base;
  const struct rows_table *t = table_of(c);
  int from = t->from[column];
  if (c->stmt != NULL) {
    if (c->at[column] >= 0)
      sqlite3_result_value(context, sqlite3_column_value(c->stmt, c->at[column]));
    return SQLITE_OK;
  }
  if (from == FROM_TOLD)
    return result_told(c, context);
  if (from == FROM_BEYOND)
    return result_beyond(c, context, column);
  if (c->read == NULL) {
    c->row->text.len = c->row->records.len = c->row->count = 0;
    cursor_seek(c->stream.cursor, c->stream.group, c->stream.page);
    c->read = cursor_read(t->view, c->stream.cursor, c->stream.place, c->row, c->wanted,
                          c->with_extra);
  }
  if (c->read == NULL)
    return fail(c);
  if (from == FROM_EXTRA) {
    if (c->read->extra.len > 0)
      result_text(c, context, c->read->extra.offset, c->read->extra.len);
    return SQLITE_OK;
  }
  union value v = c->read->v[from];
  switch (c->row->schema->columns[from].type) {
  case COLUMN_STRING: result_text(c, context, v.s.offset, v.s.len); break;
  case COLUMN_FLOAT: sqlite3_result_double(context, v.f); break;
  default: sqlite3_result_int64(context, v.i);
  }
  return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  struct rows_cursor *c = (struct rows_cursor *) base;
  *rowid = c->stmt != NULL ? sqlite3_column_int64(c->stmt, 0) : c->stream.row;
  return SQLITE_OK;
}

static const sqlite3_module module = {
    .xCreate = on_connect,
    .xConnect = on_connect,
    .xBestIndex = on_best_index,
    .xDisconnect = on_disconnect,
    .xDestroy = on_disconnect,
    .xOpen = on_open,
    .xClose = on_close,
    .xFilter = on_filter,
    .xNext = on_next,
    .xEof = on_eof,
    .xColumn = on_column,
    .xRowid = on_rowid,
};

bool rows_table_connect(sqlite3 *db) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, "SELECT 1 FROM temp.rows", -1, &stmt, NULL);
  sqlite3_finalize(stmt);
  return rc == SQLITE_OK;
}

int rows_table_make(sqlite3 *db, struct view *view) {
  int rc = sqlite3_create_module(db, "moonledger_rows", &module, view);
  return rc == SQLITE_OK ? sqlite3_exec(db,
                                        "PRAGMA query_only=0;"
                                        "CREATE VIRTUAL TABLE temp.rows USING moonledger_rows;"
                                        "PRAGMA query_only=1;",
                                        NULL, NULL, NULL)
                         : rc;
}
