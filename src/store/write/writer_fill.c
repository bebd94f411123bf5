#include "base/log.h"
#include "store/file/database.h"
#include "store/file/tables.h"
#include "store/write/writer_state.h"

/* Columns that the file got later fill from the extra of older rows, some rows a transaction; what
 * is filled leaves extra.  Rollups that are rebuilt wait for it. */

enum { FILL_ROWS = 5000 };

static void write_update(struct buf *sql, const struct writer *w) {
  buf_puts(sql, "UPDATE rows SET ");
  for (uint64_t left = w->filling; left != 0; left &= left - 1)
    buf_printf(sql, "\"%s\" = ?, ", w->schema->columns[__builtin_ctzll(left)].name);
  buf_puts(sql, "extra = ? WHERE rowid = ?");
}

static void write_select(struct buf *sql, const struct writer *w) {
  buf_puts(sql, "SELECT ");
  rows_write_columns(sql, w->schema, w->filling, true);
  buf_puts(sql, " FROM rows WHERE rowid > ? AND rowid <= ? AND extra IS NOT NULL");
}

static void bind_value(sqlite3_stmt *stmt, int index, const struct column *c, union value v,
                       const struct buf *text) {
  size_t len;
  const char *s;
  switch (c->type) {
  case COLUMN_STRING:
    s = value_text(text, v, &len);
    sqlite3_bind_text(stmt, index, s, (int) len, SQLITE_STATIC);
    break;
  case COLUMN_FLOAT:
    sqlite3_bind_double(stmt, index, v.f);
    break;
  default:
    sqlite3_bind_int64(stmt, index, v.i);
  }
}

static int fill_row(struct writer *w, const struct record *r, const struct buf *text,
                    sqlite3_stmt *update) {
  int index = 1;
  for (uint64_t left = w->filling; left != 0; left &= left - 1) {
    int column = __builtin_ctzll(left);
    bind_value(update, index++, &w->schema->columns[column], r->v[column], text);
  }
  if (r->extra.len > 0)
    sqlite3_bind_text(update, index, text->data + r->extra.offset, (int) r->extra.len,
                      SQLITE_STATIC);
  else
    sqlite3_bind_null(update, index);
  sqlite3_bind_int64(update, index + 1, r->row);
  return statement_run(update);
}

static int prepare(struct writer *w, void (*write)(struct buf *, const struct writer *),
                   sqlite3_stmt **stmt) {
  struct buf sql = {0};
  write(&sql, w);
  int rc = sqlite3_prepare_v2(w->db, sql.data, (int) sql.len, stmt, NULL);
  buf_clear(&sql);
  return rc;
}

static int fill_rows(struct writer *w, int64_t last) {
  sqlite3_stmt *select = NULL, *update = NULL;
  int rc = prepare(w, write_select, &select);
  if (rc == SQLITE_OK)
    rc = prepare(w, write_update, &update);
  sqlite3_bind_int64(select, 1, w->filled);
  sqlite3_bind_int64(select, 2, last);
  for (; rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW;) {
    rows_forget(w->page);
    struct record *r = rows_read(select, w->page, w->filling, true);
    bool changed = record_take_members(w->page, r, w->filling);
    rc = changed ? fill_row(w, r, &w->page->text, update) : SQLITE_OK;
  }
  sqlite3_finalize(select);
  sqlite3_finalize(update);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int fill_step(struct writer *w, int64_t last) {
  int rc = writer_begin(w);
  if (rc == SQLITE_OK)
    rc = fill_rows(w, last);
  if (rc == SQLITE_OK)
    rc = last < w->fill_upto ? meta_set_int(w->db, "filled", last) : tables_filled(w->db);
  return rc == SQLITE_OK ? statement_run(w->commit) : rc;
}

void writer_fill(struct writer *w) {
  int64_t last = w->fill_upto - w->filled > FILL_ROWS ? w->filled + FILL_ROWS : w->fill_upto;
  int rc = fill_step(w, last);
  if (rc != SQLITE_OK) {
    log_error("filling new columns failed; it is tried again at the next start",
              log_str("error", database_why(w->db, rc)));
    writer_roll_back(w);
    w->filling = 0;
    return;
  }
  w->filled = last;
  if (last < w->fill_upto)
    return;
  w->filling = 0;
  log_info("new columns are filled from extra", log_int("rows", last));
}

int writer_resume_fill(struct writer *w) {
  w->filling = tables_filling(w->db, w->schema);
  if (w->filling == 0)
    return SQLITE_OK;
  int rc = meta_get_int(w->db, "filled", &w->filled);
  if (rc == SQLITE_OK)
    rc = meta_get_int(w->db, "fill_upto", &w->fill_upto);
  if (rc == SQLITE_OK)
    log_info("new columns are being filled from extra", log_int("rows", w->fill_upto - w->filled));
  return rc;
}
