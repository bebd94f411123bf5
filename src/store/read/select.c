#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "record/csv.h"
#include "record/fields.h"
#include "store/file/database.h"
#include "store/file/ids.h"
#include "store/file/rows.h"
#include "store/read/plan.h"
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

/* The columns that rows are sorted by follow those that are wanted. */
static void write_select(struct buf *sql, const struct query *q, const struct schema *schema) {
  const char *time = schema->columns[schema->time].name;
  int key = q->by_row ? schema->time : q->order_by;
  buf_puts(sql, "SELECT ");
  rows_write_columns(sql, schema, wanted_columns(q, schema), wants_extra(q));
  buf_printf(sql, ", \"%s\", \"%s\" FROM main.rows WHERE 1", schema->columns[key].name, time);
  if (q->has_after && q->by_row)
    buf_puts(sql, " AND rowid > ?");
  else if (q->has_after)
    buf_printf(sql, " AND (\"%s\", rowid) %c (?, ?)", time, q->descending ? '<' : '>');
  where_write(sql, q->where, schema, -1);
  write_order(sql, q, schema);
  buf_puts(sql, " LIMIT ?");
}

/* One more than are shown tells whether there are more. */
static int64_t most_rows(const struct query *q) {
  return (int64_t) q->limit + q->offset + 1;
}

static void bind_select(sqlite3_stmt *stmt, const struct query *q, const struct schema *schema) {
  int index = 1;
  if (q->has_after && !q->by_row)
    sqlite3_bind_int64(stmt, index++, q->after.time);
  if (q->has_after)
    sqlite3_bind_int64(stmt, index++, q->after.row);
  index = where_bind(stmt, index, q->where, schema, -1);
  sqlite3_bind_int64(stmt, index, most_rows(q));
}

static struct row_place place_of(const struct schema *schema, const struct record *r) {
  return (struct row_place){r->v[schema->time].i, r->row};
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

static size_t page_bytes(const struct query *q) {
  return q->as == ROWS_BATCH ? q->batch->text.len : q->json.len;
}

struct selection {
  struct reader *reader;
  struct query *q;
  const struct schema *schema;
  sqlite3_stmt *stmt;
  int hot; /* SQLITE_ROW: stmt stands on a row */
  struct cold_order order;
  bool has_cold; /* they have been looked for, which is put off until one may be next */
  struct cold_rows cold;
  size_t next_cold;
};

static struct cold_scan scan_of(const struct selection *s) {
  struct cold_scan scan = reader_cold_scan(s->reader, s->q->where);
  struct span window;
  if (plan_window(s->q->where, s->schema, &window)) {
    scan.from = window.from;
    scan.to = window.to;
  }
  return scan;
}

static int read_cold(struct selection *s) {
  struct cold_scan scan = scan_of(s);
  s->has_cold = true;
  return cold_first_rows(&scan, s->schema, &s->order, (size_t) most_rows(s->q), &s->cold);
}

/* Whether all rows of closed days come after the table's next one. */
static bool cold_is_later(const struct selection *s) {
  const struct view *view = reader_view(s->reader);
  if (s->hot != SQLITE_ROW || s->q->by_row || !is_by_time(s->q, s->schema))
    return view_parts(view) == 0;
  int64_t time = sqlite3_column_int64(s->stmt, sqlite3_column_count(s->stmt) - 1);
  for (size_t i = 0; i < view_parts(view); i++) {
    const struct part *part = view_part(view, i);
    if (s->q->descending ? part->max_time >= time : part->min_time <= time)
      return false;
  }
  return true;
}

/* Whether the next row of closed days comes before the table's. */
static bool is_cold_next(const struct selection *s) {
  if (!s->has_cold || s->next_cold == s->cold.len)
    return false;
  if (s->hot != SQLITE_ROW)
    return true;
  int n = sqlite3_column_count(s->stmt);
  struct row_place place = {sqlite3_column_int64(s->stmt, n - 1),
                            sqlite3_column_int64(s->stmt, 0)};
  union value key = {0};
  const char *text = "";
  enum column_type type = s->schema->columns[s->order.column].type;
  if (type == COLUMN_STRING) {
    text = (const char *) sqlite3_column_text(s->stmt, n - 2);
    key.s.len = (uint32_t) sqlite3_column_bytes(s->stmt, n - 2);
  } else if (type == COLUMN_FLOAT) {
    key.f = sqlite3_column_double(s->stmt, n - 2);
  } else {
    key.i = sqlite3_column_int64(s->stmt, n - 2);
  }
  return cold_compare(s->schema, &s->order, &s->cold, &s->cold.items[s->next_cold], key, text,
                      place) < 0;
}

static const struct record *read_cold_row(struct selection *s, struct batch *page) {
  const struct cold_row *at = &s->cold.items[s->next_cold];
  struct view *view = reader_view(s->reader);
  struct cursor *c = view_cursor_of(view, reader_database(s->reader), at->part);
  if (c == NULL)
    return NULL;
  cursor_seek(c, at->group, at->page);
  return cursor_read(view, c, at->at, page, wanted_columns(s->q, s->schema), wants_extra(s->q));
}

/* SQLITE_ROW: there is one more, and *cold says where it is. */
static int find_next(struct selection *s, bool *cold) {
  int rc = SQLITE_OK;
  if (s->hot != SQLITE_ROW && s->hot != SQLITE_DONE)
    return s->hot;
  if (!s->has_cold && !cold_is_later(s))
    rc = read_cold(s);
  *cold = is_cold_next(s);
  if (rc != SQLITE_OK)
    return rc;
  return *cold ? SQLITE_ROW : s->hot;
}

static void skip_row(struct selection *s, bool cold) {
  if (cold)
    s->next_cold++;
  else
    s->hot = sqlite3_step(s->stmt);
}

static int take_row(struct selection *s, bool cold) {
  struct query *q = s->q;
  struct batch *page = q->as == ROWS_BATCH ? q->batch : reader_page(s->reader);
  const struct record *row =
      cold ? read_cold_row(s, page)
           : rows_read(s->stmt, page, wanted_columns(q, s->schema), wants_extra(q));
  if (row == NULL)
    return SQLITE_CORRUPT;
  q->next = place_of(s->schema, row);
  int rc = SQLITE_OK;
  if (q->as != ROWS_BATCH)
    rc = reserve_row(q, &page->text);
  if (rc == SQLITE_OK && q->as != ROWS_BATCH)
    write_text(q, s->schema, row, &page->text);
  q->nrows++;
  skip_row(s, cold);
  return rc;
}

static int take_rows(struct selection *s) {
  struct query *q = s->q;
  bool has_place = q->by_row || is_by_time(q, s->schema), cold;
  int rc = find_next(s, &cold);
  for (uint32_t i = 0; i < q->offset && rc == SQLITE_ROW; i++) {
    skip_row(s, cold);
    rc = find_next(s, &cold);
  }
  while (rc == SQLITE_ROW) {
    bool too_big = page_bytes(q) > PAGE_BYTES;
    if (too_big && !has_place) {
      snprintf(q->error, sizeof q->error, "the rows are too large for one page: ask for fewer");
      return SQLITE_TOOBIG;
    }
    if (q->nrows == q->limit || too_big) {
      q->has_next = has_place && q->nrows > 0;
      return SQLITE_OK;
    }
    rc = take_row(s, cold);
    if (rc == SQLITE_OK)
      rc = find_next(s, &cold);
  }
  return rc;
}

/* In an order for which all rows must be read, with the help of idle readers */

struct joint {
  struct selection *s;
  struct cold_scan scan;
  struct cold_share *share;
  struct cold_rows *others; /* of those who help */
  atomic_size_t nothers;
};

static int read_share(struct reader *r, void *arg) {
  struct joint *j = arg;
  struct selection *s = j->s;
  struct cold_rows *rows = &s->cold;
  struct cold_scan scan = reader_share_scan(r, &j->scan);
  if (r != s->reader)
    rows = &j->others[atomic_fetch_add(&j->nothers, 1)];
  else if (!s->has_cold) /* the first time */
    s->hot = sqlite3_step(s->stmt);
  return cold_share_first_rows(j->share, &scan, s->schema, &s->order, (size_t) most_rows(s->q),
                               rows);
}

static int share_out(struct joint *j) {
  struct selection *s = j->s;
  unsigned helpers = reader_helpers(s->reader, cold_share_groups(j->share));
  j->others = xcalloc(helpers + 1, sizeof *j->others);
  j->nothers = 0;
  int rc = reader_together(s->reader, helpers, read_share, j);
  for (size_t i = 0; i < j->nothers; i++) {
    cold_rows_merge(&s->cold, &j->others[i], s->schema, &s->order, (size_t) most_rows(s->q));
    cold_rows_clear(&j->others[i]);
  }
  free(j->others);
  return rc;
}

static int read_all(struct selection *s) {
  struct joint j = {.s = s, .scan = scan_of(s)};
  size_t part = 0;
  int rc;
  do {
    rc = cold_share_new(&j.scan, &part, &j.share);
    if (rc != SQLITE_OK)
      break;
    rc = share_out(&j);
    s->has_cold = true;
    cold_share_free(j.share);
  } while (rc == SQLITE_OK && part < view_parts(j.scan.view));
  return rc;
}

static int read_first(struct selection *s) {
  if (!s->q->by_row && !is_by_time(s->q, s->schema))
    return read_all(s);
  s->hot = sqlite3_step(s->stmt);
  return SQLITE_OK;
}

int query_select(struct reader *r, struct query *q) {
  const struct schema *schema = reader_schema(r);
  struct selection s = {.reader = r, .q = q, .schema = schema,
                        .order = {.by_row = q->by_row,
                                  .column = q->by_row ? schema->time : q->order_by,
                                  .descending = q->descending && !q->by_row,
                                  .has_after = q->has_after,
                                  .after = q->has_after ? q->after : (struct row_place){0}}};
  struct buf sql = {0};
  write_select(&sql, q, schema);
  int rc = reader_begin(r);
  if (rc == SQLITE_OK)
    rc = reader_statement(r, &sql, &s.stmt);
  buf_clear(&sql);
  if (rc != SQLITE_OK)
    return rc;
  if (q->as == ROWS_BATCH)
    q->batch = batch_new(schema);
  bind_select(s.stmt, q, schema);
  rc = read_first(&s);
  if (rc == SQLITE_OK)
    rc = take_rows(&s);
  sqlite3_reset(s.stmt);
  cold_rows_clear(&s.cold);
  if (q->as == ROWS_JSON)
    buf_puts(&q->json, q->nrows == 0 ? "[]" : "]");
  return rc;
}

/* In a part.  SQLITE_DONE: it is not that row. */
static int take_cold_candidate(struct reader *r, struct query *q, int64_t row) {
  struct view *view = reader_view(r);
  struct cursor *c;
  size_t place, len;
  int rc = view_find(view, reader_database(r), row, &c, &place);
  if (rc != SQLITE_OK)
    return rc;
  const struct record *found = cursor_read(view, c, place, q->batch, UINT64_MAX, true);
  if (found == NULL)
    return SQLITE_CORRUPT;
  const char *id = value_text(&q->batch->text, found->v[reader_schema(r)->id], &len);
  if (len != q->id.len || memcmp(id, q->id.data, len) != 0) {
    rows_forget(q->batch);
    return SQLITE_DONE;
  }
  q->nrows = 1;
  return SQLITE_ROW;
}

/* SQLITE_DONE: it is not that row. */
static int take_candidate(struct reader *r, struct query *q, int64_t row) {
  const struct schema *schema = reader_schema(r);
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  buf_puts(&sql, "SELECT ");
  rows_write_columns(&sql, schema, UINT64_MAX, true);
  buf_printf(&sql, " FROM main.rows WHERE rowid = ? AND \"%s\" = ?",
             schema->columns[schema->id].name);
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
  return rc == SQLITE_DONE ? take_cold_candidate(r, q, row) : rc;
}

/* While the fingerprints load: rows that no segment has. */
static int scan_tail(struct reader *r, struct query *q, int64_t *row) {
  const struct schema *schema = reader_schema(r);
  struct buf sql = {0};
  sqlite3_stmt *stmt;
  buf_printf(
      &sql,
      "SELECT rowid FROM main.rows WHERE rowid > ? AND \"%s\" = ? ORDER BY rowid DESC LIMIT 1",
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
  bool loaded = ids_loaded(ids); /* before it is looked at, or what comes between is missed */
  size_t n = ids_find(ids, fingerprint, rows);
  int rc = reader_begin(r);
  if (rc != SQLITE_OK)
    return rc;
  rc = SQLITE_DONE;
  for (size_t i = 0; i < n && rc == SQLITE_DONE; i++)
    rc = take_candidate(r, q, rows[i]);
  if (rc == SQLITE_DONE && !loaded && (rc = scan_tail(r, q, &row)) == SQLITE_ROW)
    rc = take_candidate(r, q, row);
  if (rc != SQLITE_DONE)
    return rc;
  rc = segments_probe_all(reader_database(r), fingerprint, &row);
  return rc == SQLITE_OK && row != 0 ? take_candidate(r, q, row) : rc;
}
