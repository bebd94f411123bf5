#include "store/seal/part_write.h"

#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/cold/parquet_write.h"
#include "store/cold/part_stream.h"
#include "store/file/database.h"

enum { ZSTD_LEVEL = 3 };

struct writing {
  const struct part_source *source;
  const struct schema *schema;
  const atomic_bool *stop;
  struct parquet_writer *out;
  struct part *part;
  struct buf *why;
};

/* Columns of the file after those of the schema. */
static size_t extra_at(const struct schema *schema) {
  return schema->nstored + 1;
}

static struct parquet_writer *create(const char *path, const struct schema *schema,
                                     struct buf *why) {
  static const enum parquet_type types[] = {
      [COLUMN_STRING] = PARQUET_TEXT,  [COLUMN_INTEGER] = PARQUET_INTEGER,
      [COLUMN_FLOAT] = PARQUET_DOUBLE, [COLUMN_BOOLEAN] = PARQUET_BOOLEAN,
      [COLUMN_TIME] = PARQUET_TIME,
  };
  struct parquet_column columns[SCHEMA_MAX_COLUMNS + 4] = {{"rowid", PARQUET_INTEGER, false}};
  size_t n = 1;
  for (size_t i = 0; i < schema->nstored; i++)
    columns[n++] =
        (struct parquet_column){schema->columns[i].name, types[schema->columns[i].type], false};
  columns[n++] = (struct parquet_column){"extra", PARQUET_TEXT, true};
  columns[n++] = (struct parquet_column){"told", PARQUET_INTEGER, true};
  columns[n++] = (struct parquet_column){"told_stamps", PARQUET_TEXT, true};
  return parquet_writer_new(path, columns, n, ZSTD_LEVEL, why);
}

static int fault(struct writing *w) {
  buf_puts(w->why, parquet_fault(w->out));
  return UV_EIO;
}

/* Encodes a full group, or the rest. */
static int encode(struct writing *w) {
  while (parquet_is_full(w->out) && !parquet_is_done(w->out)) {
    if (atomic_load(w->stop))
      return UV_ECANCELED;
    if (!parquet_step(w->out))
      return fault(w);
  }
  return 0;
}

static int end_row(struct writing *w, int64_t time, int64_t row) {
  struct part *part = w->part;
  parquet_put_integer(w->out, 0, row);
  if (part->rows++ == 0) {
    part->min_time = time;
    part->min_row = part->max_row = row;
  }
  part->max_time = time;
  part->min_row = row < part->min_row ? row : part->min_row;
  part->max_row = row > part->max_row ? row : part->max_row;
  parquet_row(w->out);
  return encode(w);
}

/* ---- From the table ---- */

static int find_rows(struct writing *w, sqlite3_stmt **stmt) {
  const struct schema *schema = w->schema;
  const char *time = schema->columns[schema->time].name;
  struct buf sql = {0};
  buf_printf(&sql, "SELECT rowid, \"%s\"", time);
  for (size_t i = 0; i < schema->nstored; i++)
    buf_printf(&sql, ", \"%s\"", schema->columns[i].name);
  buf_printf(&sql,
             ", extra, told FROM main.rows WHERE \"%s\" >= ? AND \"%s\" < ? AND rowid <= ? "
             "ORDER BY \"%s\", rowid",
             time, time, time);
  int rc = sqlite3_prepare_v2(w->source->db, sql.data, (int) sql.len, stmt, NULL);
  buf_clear(&sql);
  if (rc != SQLITE_OK)
    return rc;
  sqlite3_bind_int64(*stmt, 1, w->part->day * DAY_US);
  sqlite3_bind_int64(*stmt, 2, (w->part->day + 1) * DAY_US);
  sqlite3_bind_int64(*stmt, 3, w->part->upto);
  return rc;
}

static void put_text(struct parquet_writer *out, size_t column, sqlite3_stmt *stmt, int i) {
  const char *s = sqlite3_column_blob(stmt, i);
  int len = sqlite3_column_bytes(stmt, i);
  parquet_put_text(out, column, len > 0 ? s : "", (size_t) len);
}

static int put_row(struct writing *w, sqlite3_stmt *stmt) {
  const struct schema *schema = w->schema;
  size_t extra = extra_at(schema);
  int next = 2;
  for (size_t i = 0; i < schema->nstored; i++, next++) {
    switch (schema->columns[i].type) {
    case COLUMN_STRING: put_text(w->out, i + 1, stmt, next); break;
    case COLUMN_FLOAT: parquet_put_double(w->out, i + 1, sqlite3_column_double(stmt, next)); break;
    case COLUMN_BOOLEAN:
      parquet_put_boolean(w->out, i + 1, sqlite3_column_int64(stmt, next) != 0);
      break;
    default: parquet_put_integer(w->out, i + 1, sqlite3_column_int64(stmt, next));
    }
  }
  if (sqlite3_column_type(stmt, next) != SQLITE_NULL)
    put_text(w->out, extra, stmt, next);
  if (sqlite3_column_type(stmt, next + 1) == SQLITE_INTEGER)
    parquet_put_integer(w->out, extra + 1, sqlite3_column_int64(stmt, next + 1));
  else if (sqlite3_column_type(stmt, next + 1) == SQLITE_BLOB)
    put_text(w->out, extra + 2, stmt, next + 1);
  return end_row(w, sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 0));
}

static int write_rows(struct writing *w) {
  sqlite3_stmt *stmt = NULL;
  int rc = find_rows(w, &stmt), status = 0;
  while (rc == SQLITE_OK && status == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    status = put_row(w, stmt);
    rc = SQLITE_OK;
  }
  if (rc != SQLITE_OK && rc != SQLITE_DONE) {
    buf_puts(w->why, sqlite3_errmsg(w->source->db));
    status = database_status(rc);
  }
  sqlite3_finalize(stmt);
  return status;
}

/* ---- From other parts ---- */

static int cold_fault(struct writing *w) {
  buf_puts(w->why, view_why(w->source->view));
  return UV_EIO;
}

/* A column that the part has not has its value, as a table that it was added to. */
static void put_value(struct writing *w, size_t i, const struct record *r, const struct buf *text) {
  size_t len;
  const char *s;
  switch (w->schema->columns[i].type) {
  case COLUMN_STRING:
    s = value_text(text, r->v[i], &len);
    parquet_put_text(w->out, i + 1, s, len);
    break;
  case COLUMN_FLOAT: parquet_put_double(w->out, i + 1, r->v[i].f); break;
  case COLUMN_BOOLEAN: parquet_put_boolean(w->out, i + 1, r->v[i].i != 0); break;
  default: parquet_put_integer(w->out, i + 1, r->v[i].i);
  }
}

static int copy_row(struct writing *w, struct part_stream *s, struct batch *page) {
  struct view *view = w->source->view;
  size_t extra = extra_at(w->schema);
  struct stored_told told;
  page->text.len = page->records.len = page->count = 0;
  const struct record *r = cursor_read(view, s->cursor, s->place, page, UINT64_MAX, true);
  if (r == NULL || !cursor_told(view, s->cursor, s->place, &told))
    return cold_fault(w);
  for (size_t i = 0; i < w->schema->nstored; i++)
    put_value(w, i, r, &page->text);
  if (r->extra.len > 0)
    parquet_put_text(w->out, extra, page->text.data + r->extra.offset, r->extra.len);
  if (told.is_integer)
    parquet_put_integer(w->out, extra + 1, told.integer);
  else if (told.len > 0)
    parquet_put_text(w->out, extra + 2, told.blob, told.len);
  return end_row(w, s->time, s->row);
}

static struct part_stream *earliest(struct part_stream *streams, size_t n) {
  struct part_stream *first = NULL;
  for (size_t i = 0; i < n; i++) {
    struct part_stream *s = &streams[i];
    if (s->ended)
      continue;
    if (first == NULL || s->time < first->time || (s->time == first->time && s->row < first->row))
      first = s;
  }
  return first;
}

static int open_streams(struct writing *w, struct part_stream *streams) {
  const struct part_source *from = w->source;
  for (size_t i = 0; i < from->njoined; i++) {
    struct cursor *c = view_cursor_of(from->view, from->db, from->joined[i]);
    if (c == NULL ||
        part_stream_start(&streams[i], from->view, c, INT64_MIN, INT64_MAX) != SQLITE_OK)
      return cold_fault(w);
  }
  return 0;
}

static int join_parts(struct writing *w) {
  struct part_stream *streams = xcalloc(w->source->njoined, sizeof *streams), *s;
  struct batch *page = batch_new(w->schema);
  int status = open_streams(w, streams);
  while (status == 0 && (s = earliest(streams, w->source->njoined)) != NULL) {
    status = copy_row(w, s, page);
    if (status == 0 && part_stream_next(s, w->source->view) != SQLITE_OK)
      status = cold_fault(w);
  }
  batch_free(page);
  free(streams);
  return status;
}

/* ---- All of it ---- */

static int finish(struct writing *w) {
  parquet_end(w->out);
  while (!parquet_is_done(w->out)) {
    if (atomic_load(w->stop))
      return UV_ECANCELED;
    if (!parquet_step(w->out))
      return fault(w);
  }
  if (!parquet_sync(w->out))
    return fault(w);
  w->part->bytes = (int64_t) parquet_bytes(w->out);
  w->part->checksum = parquet_checksum(w->out);
  return 0;
}

int part_write(const char *path, const char *database, const struct part_source *source,
               const atomic_bool *stop, struct part *part, struct buf *why) {
  struct writing w = {.source = source, .schema = source->schema, .stop = stop, .part = part,
                      .why = why, .out = create(path, source->schema, why)};
  if (w.out == NULL)
    return UV_EIO;
  parquet_note(w.out, "moonledger.database", database);
  int status = source->njoined > 0 ? join_parts(&w) : write_rows(&w);
  if (status == 0)
    status = finish(&w);
  parquet_writer_free(w.out);
  return status;
}
