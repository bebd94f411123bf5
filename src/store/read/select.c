#include <stdio.h>
#include <stdlib.h>

#include "record/csv.h"
#include "record/fields.h"
#include "store/file/database.h"
#include "store/file/ids.h"
#include "store/file/rows.h"
#include "store/read/reader.h"
#include "store/read/where.h"

enum { PAGE_BYTES = 64 << 20 }; /* a page by time ends early beyond it; any other is refused */

static bool is_by_time(const struct query *q, const struct schema *schema) {
  return !q->by_row && q->order_by == schema->time;
}

static bool wants_extra(const struct query *q) {
  return q->with_extra || q->nfields > 0 || q->as == ROWS_BATCH;
}

/* Rows of which nothing else is asked show the public columns alone. */
static uint64_t wanted_columns(const struct query *q, const struct schema *schema) {
  return wants_extra(q) ? UINT64_MAX : schema->publics;
}

static void write_order(struct buf *sql, const struct query *q, const struct schema *schema) {
  const char *time = schema->columns[schema->time].name, *down = q->descending ? " DESC" : "";
  if (q->by_row) {
    buf_puts(sql, " ORDER BY rowid");
    return;
  }
  buf_puts(sql, " ORDER BY ");
  if (!is_by_time(q, schema))
    buf_printf(sql, "\"%s\"%s, ", schema->columns[q->order_by].name, down);
  buf_printf(sql, "\"%s\"%s, rowid%s", time, down, down);
}

static void write_select(struct buf *sql, const struct query *q, const struct schema *schema) {
  buf_puts(sql, "SELECT ");
  rows_write_columns(sql, schema, wanted_columns(q, schema), wants_extra(q));
  buf_puts(sql, " FROM rows WHERE 1");
  if (q->has_after && q->by_row)
    buf_puts(sql, " AND rowid > ?");
  else if (q->has_after)
    buf_printf(sql, " AND (\"%s\", rowid) %c (?, ?)", schema->columns[schema->time].name,
               q->descending ? '<' : '>');
  where_write(sql, q->where, schema, -1);
  write_order(sql, q, schema);
  buf_puts(sql, " LIMIT ? OFFSET ?");
}

static void bind_select(sqlite3_stmt *stmt, const struct query *q, const struct schema *schema) {
  int index = 1;
  if (q->has_after && !q->by_row)
    sqlite3_bind_int64(stmt, index++, q->after.time);
  if (q->has_after)
    sqlite3_bind_int64(stmt, index++, q->after.row);
  index = where_bind(stmt, index, q->where, schema, -1);
  /* one more tells whether there are more */
  sqlite3_bind_int64(stmt, index++, (int64_t) q->limit + 1);
  sqlite3_bind_int64(stmt, index, q->offset);
}

static struct row_place place_of(const struct schema *schema, const struct record *r) {
  return (struct row_place) {r->v[schema->time].i, r->row};
}

static void write_text(struct query *q, const struct schema *schema, const struct record *row,
                       const struct buf *text) {
  if (q->as == ROWS_CSV) {
    csv_write_row(&q->json, schema, row, text, q->fields, q->nfields);
    return;
  }
  if (q->as == ROWS_JSON)
    buf_putc(&q->json, q->nrows == 0 ? '[' : ',');
  if (q->nfields > 0)
    record_write_fields(&q->json, schema, row, text, q->fields, q->nfields);
  else
    record_write_json(&q->json, schema, row, text, q->with_extra);
  if (q->as == ROWS_NDJSON)
    buf_putc(&q->json, '\n');
}

enum {
  ROW_BYTES = 4 << 10,  /* of names and numbers */
  MOST_ESCAPED = 6,     /* \u0001 of one byte */
};

/* Room for the row, whatever its texts are; what is written then cannot fail. */
static int reserve_row(struct query *q, const struct buf *text) {
  if (buf_try_reserve(&q->json, ROW_BYTES + MOST_ESCAPED * text->len) != NULL)
    return SQLITE_OK;
  snprintf(q->error, sizeof q->error, "there is no memory for so large a page: ask for fewer rows");
  return SQLITE_NOMEM;
}

static int take_row(struct reader *r, struct query *q, sqlite3_stmt *stmt) {
  const struct schema *schema = reader_schema(r);
  struct batch *page = q->as == ROWS_BATCH ? q->batch : reader_page(r);
  const struct record *row = rows_read(stmt, page, wanted_columns(q, schema), wants_extra(q));
  q->next = place_of(schema, row);
  if (q->as == ROWS_BATCH)
    return SQLITE_OK;
  int rc = reserve_row(q, &page->text);
  if (rc == SQLITE_OK)
    write_text(q, schema, row, &page->text);
  return rc;
}

static size_t page_bytes(const struct query *q) {
  return q->as == ROWS_BATCH ? q->batch->text.len : q->json.len;
}

static int take_rows(struct reader *r, struct query *q, sqlite3_stmt *stmt) {
  bool has_place = q->by_row || is_by_time(q, reader_schema(r));
  int rc;
  while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    bool too_big = page_bytes(q) > PAGE_BYTES;
    if (too_big && !has_place) {
      snprintf(q->error, sizeof q->error, "the rows are too large for one page: ask for fewer");
      return SQLITE_TOOBIG;
    }
    if (q->nrows == q->limit || too_big) {
      q->has_next = has_place && q->nrows > 0;
      return SQLITE_OK;
    }
    rc = take_row(r, q, stmt);
    if (rc != SQLITE_OK)
      return rc;
    q->nrows++;
  }
  return rc;
}

int query_select(struct reader *r, struct query *q) {
  const struct schema *schema = reader_schema(r);
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  write_select(&sql, q, schema);
  int rc = reader_statement(r, &sql, &stmt);
  if (rc != SQLITE_OK)
    return rc;
  if (q->as == ROWS_BATCH)
    q->batch = batch_new(schema);
  bind_select(stmt, q, schema);
  rc = take_rows(r, q, stmt);
  sqlite3_reset(stmt);
  if (q->as == ROWS_JSON)
    buf_puts(&q->json, q->nrows == 0 ? "[]" : "]");
  return rc;
}

/* ---- One row by its id ---- */

/* SQLITE_DONE: it is not that row. */
static int take_candidate(struct reader *r, struct query *q, int64_t row) {
  const struct schema *schema = reader_schema(r);
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  buf_puts(&sql, "SELECT ");
  rows_write_columns(&sql, schema, UINT64_MAX, true);
  buf_printf(&sql, " FROM rows WHERE rowid = ? AND \"%s\" = ?", schema->columns[schema->id].name);
  int rc = reader_statement(r, &sql, &stmt);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, row);
  sqlite3_bind_text(stmt, 2, q->id.data, (int) q->id.len, SQLITE_STATIC);
  rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) {
    rows_read(stmt, q->batch, UINT64_MAX, true);
    q->nrows = 1;
  }
  sqlite3_reset(stmt);
  return rc;
}

/* While the fingerprints load: rows that no segment has. */
static int scan_tail(struct reader *r, struct query *q, int64_t *row) {
  const struct schema *schema = reader_schema(r);
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  buf_printf(
      &sql, "SELECT rowid FROM rows WHERE rowid > ? AND \"%s\" = ? ORDER BY rowid DESC LIMIT 1",
      schema->columns[schema->id].name);
  int rc = reader_statement(r, &sql, &stmt);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(stmt, 1, ids_last_segment_row(reader_database(r)));
  sqlite3_bind_text(stmt, 2, q->id.data, (int) q->id.len, SQLITE_STATIC);
  rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW)
    *row = sqlite3_column_int64(stmt, 0);
  sqlite3_reset(stmt);
  return rc;
}

int query_lookup(struct reader *r, struct query *q) {
  struct ids *ids = reader_ids(r);
  q->batch = batch_new(reader_schema(r));
  if (q->id.len == 0)
    return SQLITE_OK;
  int64_t rows[ID_CANDIDATES], fingerprint = ids_fingerprint(ids, q->id.data, q->id.len), row = 0;
  size_t n = ids_find(ids, fingerprint, rows);
  int rc = SQLITE_DONE;
  for (size_t i = 0; i < n && rc == SQLITE_DONE; i++)
    rc = take_candidate(r, q, rows[i]);
  if (rc == SQLITE_DONE && !ids_loaded(ids) && (rc = scan_tail(r, q, &row)) == SQLITE_ROW)
    rc = take_candidate(r, q, row);
  if (rc != SQLITE_DONE)
    return rc;
  rc = segments_probe_all(reader_database(r), fingerprint, &row);
  return rc == SQLITE_OK && row != 0 ? take_candidate(r, q, row) : rc;
}
