#include "store/file/rows.h"

#include "store/file/database.h"

static void write_names(struct buf *sql, const struct schema *schema, const char *suffix) {
  for (size_t i = 0; i < schema->nstored; i++)
    buf_printf(sql, "\"%s\"%s, ", schema->columns[i].name, suffix);
  buf_printf(sql, "extra%s, told%s", suffix, suffix);
}

/* SQLite's own numbers, which go on from the last row, are the cheaper ones. */
static int prepare_insert(sqlite3 *db, const struct schema *schema, const char *rowid,
                          sqlite3_stmt **stmt) {
  struct buf sql = {0};
  buf_printf(&sql, "INSERT INTO rows(%s", rowid);
  write_names(&sql, schema, "");
  buf_printf(&sql, ") SELECT %s* FROM new_rows", rowid);
  int rc = database_statement(db, &sql, stmt);
  buf_clear(&sql);
  return rc;
}

static int prepare_update(sqlite3 *db, const struct schema *schema, sqlite3_stmt **stmt) {
  struct buf sql = {0};
  buf_puts(&sql, "UPDATE rows SET ");
  write_names(&sql, schema, " = ?");
  buf_puts(&sql, " WHERE rowid = ?");
  int rc = database_statement(db, &sql, stmt);
  buf_clear(&sql);
  return rc;
}

void rows_write_columns(struct buf *sql, const struct schema *schema, uint64_t wanted,
                        bool with_extra) {
  buf_puts(sql, "rowid");
  for (size_t i = 0; i < schema->nstored; i++)
    if (wanted >> i & 1)
      buf_printf(sql, ", \"%s\"", schema->columns[i].name);
  if (with_extra)
    buf_puts(sql, ", extra");
}

/* A row that has left the table comes back under its number. */
static int prepare_put_back(sqlite3 *db, const struct schema *schema, sqlite3_stmt **stmt) {
  struct buf sql = {0};
  buf_puts(&sql, "INSERT INTO rows(");
  write_names(&sql, schema, "");
  buf_puts(&sql, ", rowid) VALUES(?");
  for (size_t i = 0; i < schema->nstored + 2; i++)
    buf_puts(&sql, ", ?");
  buf_putc(&sql, ')');
  int rc = database_statement(db, &sql, stmt);
  buf_clear(&sql);
  return rc;
}

static int prepare_get(sqlite3 *db, const struct schema *schema, sqlite3_stmt **stmt) {
  struct buf sql = {0};
  buf_puts(&sql, "SELECT ");
  rows_write_columns(&sql, schema, UINT64_MAX, true);
  buf_puts(&sql, ", told FROM rows WHERE rowid = ?");
  int rc = database_statement(db, &sql, stmt);
  buf_clear(&sql);
  return rc;
}

int rows_init(struct rows *rows, sqlite3 *db, const struct schema *schema) {
  *rows = (struct rows){.db = db, .schema = schema, .vtab.layout = &rows->layout, .next = 1};
  return told_layout_read(&rows->layout, db, schema);
}

static void finalize(struct rows *rows) {
  sqlite3_finalize(rows->insert);
  sqlite3_finalize(rows->insert_at);
  sqlite3_finalize(rows->update);
  sqlite3_finalize(rows->put_back);
  sqlite3_finalize(rows->get);
  rows->insert = rows->insert_at = rows->update = rows->put_back = rows->get = NULL;
}

/* When they are first needed: a server that nobody writes to does without the
 * memory of its statements. */
static int prepare_statements(struct rows *rows) {
  if (rows->get != NULL)
    return SQLITE_OK;
  int rc = rows_vtab_register(&rows->vtab, rows->db);
  if (rc == SQLITE_OK)
    rc = prepare_insert(rows->db, rows->schema, "", &rows->insert);
  if (rc == SQLITE_OK)
    rc = prepare_insert(rows->db, rows->schema, "rowid, ", &rows->insert_at);
  if (rc == SQLITE_OK)
    rc = prepare_update(rows->db, rows->schema, &rows->update);
  if (rc == SQLITE_OK)
    rc = prepare_put_back(rows->db, rows->schema, &rows->put_back);
  if (rc == SQLITE_OK)
    rc = prepare_get(rows->db, rows->schema, &rows->get);
  if (rc != SQLITE_OK)
    finalize(rows);
  return rc;
}

void rows_close(struct rows *rows) {
  finalize(rows);
  rows_vtab_free(&rows->vtab);
}

static int bind_text(sqlite3_stmt *stmt, int index, const struct buf *text, uint32_t offset,
                     uint32_t len) {
  return sqlite3_bind_text(stmt, index, len > 0 ? text->data + offset : "", (int) len,
                           SQLITE_STATIC);
}

/* Returns the index after the last. */
static int bind_record(sqlite3_stmt *stmt, const struct schema *schema, const struct record *r,
                       const struct buf *text) {
  for (size_t i = 0; i < schema->nstored; i++) {
    union value v = r->v[i];
    switch (schema->columns[i].type) {
    case COLUMN_STRING: bind_text(stmt, (int) i + 1, text, v.s.offset, v.s.len); break;
    case COLUMN_FLOAT: sqlite3_bind_double(stmt, (int) i + 1, v.f); break;
    default: sqlite3_bind_int64(stmt, (int) i + 1, v.i);
    }
  }
  int extra = (int) schema->nstored + 1;
  if (r->extra.len > 0)
    bind_text(stmt, extra, text, r->extra.offset, r->extra.len);
  else
    sqlite3_bind_null(stmt, extra);
  return extra + 1;
}

int rows_insert(struct rows *rows, struct record *r, const struct buf *text) {
  enum { AT_ONCE = 128 }; /* that are still in the cache */
  r->row = rows->next++;
  rows_vtab_add(&rows->vtab, r, text);
  return rows->vtab.len < AT_ONCE ? SQLITE_OK : rows_flush(rows);
}

int rows_flush(struct rows *rows) {
  const struct rows_vtab *in = &rows->vtab;
  if (in->len == 0)
    return SQLITE_OK;
  int64_t first = in->items[0].record->row, last = in->items[in->len - 1].record->row;
  int rc = prepare_statements(rows);
  if (rc == SQLITE_OK)
    rc = statement_run(rows->last == first - 1 ? rows->insert : rows->insert_at);
  rows->last = rc == SQLITE_OK ? last : 0;
  rows->vtab.len = 0;
  return rc;
}

void rows_roll_back(struct rows *rows, int64_t next) {
  rows->vtab.len = 0;
  rows->next = next;
  rows->last = 0;
}

/* For statements that look at the table. */
static int make_ready(struct rows *rows) {
  int rc = rows_flush(rows);
  return rc == SQLITE_OK ? prepare_statements(rows) : rc;
}

static int write_row(struct rows *rows, sqlite3_stmt *stmt, const struct record *r,
                     const struct buf *text, const struct told *told) {
  int next = bind_record(stmt, rows->schema, r, text);
  told_bind(stmt, next++, told, &rows->layout, r);
  sqlite3_bind_int64(stmt, next, r->row);
  return statement_run(stmt);
}

int rows_update(struct rows *rows, const struct record *r, const struct buf *text,
                const struct told *told) {
  int rc = make_ready(rows);
  return rc == SQLITE_OK ? write_row(rows, rows->update, r, text, told) : rc;
}

int rows_put_back(struct rows *rows, const struct record *r, const struct buf *text,
                  const struct told *told) {
  int rc = make_ready(rows);
  return rc == SQLITE_OK ? write_row(rows, rows->put_back, r, text, told) : rc;
}

static union value read_value(sqlite3_stmt *stmt, int i, enum column_type type, struct batch *b) {
  if (type == COLUMN_STRING) {
    const char *s = (const char *) sqlite3_column_text(stmt, i);
    return batch_put_text(b, s, (size_t) sqlite3_column_bytes(stmt, i));
  }
  if (type == COLUMN_FLOAT)
    return (union value){.f = sqlite3_column_double(stmt, i)};
  return (union value){.i = sqlite3_column_int64(stmt, i)};
}

struct record *rows_read(sqlite3_stmt *stmt, struct batch *b, uint64_t wanted, bool with_extra) {
  const struct schema *schema = b->schema;
  struct record *r = batch_add(b);
  r->row = sqlite3_column_int64(stmt, 0);
  int next = 1;
  for (size_t i = 0; i < schema->nstored; i++) {
    if (!(wanted >> i & 1))
      continue;
    r->v[i] = read_value(stmt, next++, schema->columns[i].type, b);
    r->present |= UINT64_C(1) << i;
  }
  if (!with_extra)
    return r;
  const char *extra = (const char *) sqlite3_column_text(stmt, next);
  union value v = batch_put_text(b, extra, (size_t) sqlite3_column_bytes(stmt, next));
  r->extra.offset = v.s.offset;
  r->extra.len = v.s.len;
  record_read_extra(b, r);
  return r;
}

int rows_get(struct rows *rows, int64_t row, struct batch *b, struct told *told) {
  int rc = make_ready(rows);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(rows->get, 1, row);
  rc = sqlite3_step(rows->get);
  if (rc == SQLITE_ROW) {
    struct record *r = rows_read(rows->get, b, UINT64_MAX, true);
    struct stored_told stored = told_column(rows->get, sqlite3_column_count(rows->get) - 1);
    told_read(told, &rows->layout, stored, r, &b->text);
  }
  sqlite3_reset(rows->get);
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

void rows_forget(struct batch *b) {
  b->text.len = b->records.len = 0;
  b->count = 0;
}
