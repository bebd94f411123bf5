#include "store/seal/part_write.h"

#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/cold/parquet_write.h"
#include "store/cold/part_stream.h"
#include "store/cold/part_value.h"
#include "store/file/database.h"
#include "store/seal/part_columns.h"

enum { ZSTD_LEVEL = 3 };

struct writing {
  const struct part_source *source;
  const struct schema *schema;
  const atomic_bool *stop;
  struct part_columns columns;
  struct parquet_writer *out;
  struct buf text; /* of a number */
  struct part *part;
  struct buf *why;
};

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

static void put_as_is(struct writing *w, size_t at, const struct part_value *value) {
  enum parquet_type type = w->columns.items[at].type;
  if (value->kind == KIND_NULL)
    return;
  if (type == PARQUET_TEXT) {
    struct parquet_text s = part_value_text(value, &w->text);
    parquet_put_text(w->out, at, s.len > 0 ? s.data : "", s.len);
  } else if (type == PARQUET_DOUBLE && value->kind == KIND_DOUBLE) {
    parquet_put_double(w->out, at, value->v.f);
  } else if (type == PARQUET_INTEGER && value->kind == KIND_INTEGER) {
    parquet_put_integer(w->out, at, value->v.i);
  }
}

static int find_rows(struct writing *w, sqlite3_stmt **stmt) {
  const struct schema *schema = w->schema;
  const char *time = schema->columns[schema->time].name;
  struct buf sql = {0};
  buf_printf(&sql, "SELECT rowid, \"%s\"", time);
  for (size_t i = 0; i < schema->nstored; i++)
    buf_printf(&sql, ", \"%s\"", schema->columns[i].name);
  buf_puts(&sql, ", extra, told");
  for (size_t i = w->columns.beyond; i < w->columns.count; i++)
    buf_printf(&sql, ", \"%s\"", w->columns.items[i].name);
  buf_printf(&sql,
             " FROM main.rows WHERE \"%s\" >= ? AND \"%s\" < ? AND rowid <= ? "
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

static void put_as_table_has_it(struct writing *w, size_t at, sqlite3_stmt *stmt, int i) {
  struct part_value value = part_value_of(stmt, i);
  put_as_is(w, at, &value);
}

static void put_column(struct writing *w, size_t at, sqlite3_stmt *stmt, int i) {
  if (w->columns.as_is[at]) {
    put_as_table_has_it(w, at, stmt, i);
    return;
  }
  switch (w->columns.items[at].type) {
  case PARQUET_TEXT: put_text(w->out, at, stmt, i); break;
  case PARQUET_DOUBLE: parquet_put_double(w->out, at, sqlite3_column_double(stmt, i)); break;
  case PARQUET_BOOLEAN: parquet_put_boolean(w->out, at, sqlite3_column_int64(stmt, i) != 0); break;
  default: parquet_put_integer(w->out, at, sqlite3_column_int64(stmt, i));
  }
}

static int put_row(struct writing *w, sqlite3_stmt *stmt) {
  size_t extra = w->columns.extra;
  int next = 2;
  for (size_t at = 1; at < extra; at++)
    put_column(w, at, stmt, next++);
  if (sqlite3_column_type(stmt, next) != SQLITE_NULL)
    put_text(w->out, extra, stmt, next);
  if (sqlite3_column_type(stmt, next + 1) == SQLITE_INTEGER)
    parquet_put_integer(w->out, extra + 1, sqlite3_column_int64(stmt, next + 1));
  else if (sqlite3_column_type(stmt, next + 1) == SQLITE_BLOB)
    put_text(w->out, extra + 2, stmt, next + 1);
  next += 2;
  for (size_t at = w->columns.beyond; at < w->columns.count; at++)
    put_as_table_has_it(w, at, stmt, next++);
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

/* What the part has of columns that are kept as they are. */
static int copy_as_is(struct writing *w, const struct part_stream *s) {
  struct view *view = w->source->view;
  for (size_t at = 1; at < w->columns.count; at++) {
    struct part_value value;
    int column = w->columns.as_is[at] ? parquet_find(s->cursor->file, w->columns.items[at].name)
                                      : -1;
    if (column < 0)
      continue;
    if (!part_value_read(view, s->cursor, column, s->place, &value))
      return cold_fault(w);
    put_as_is(w, at, &value);
  }
  return 0;
}

static int copy_row(struct writing *w, struct part_stream *s, struct batch *page) {
  struct view *view = w->source->view;
  size_t extra = w->columns.extra;
  struct stored_told told;
  page->text.len = page->records.len = page->count = 0;
  const struct record *r =
      cursor_read(view, s->cursor, s->place, page, w->columns.by_schema, true);
  if (r == NULL || !cursor_told(view, s->cursor, s->place, &told) || copy_as_is(w, s) < 0)
    return cold_fault(w);
  for (size_t i = 0; i < w->schema->nstored; i++)
    if (w->columns.by_schema >> i & 1)
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

static int open_parts(struct writing *w, struct cursor **parts) {
  const struct part_source *from = w->source;
  for (size_t i = 0; i < from->njoined; i++) {
    parts[i] = view_cursor_of(from->view, from->db, from->joined[i]);
    if (parts[i] == NULL)
      return cold_fault(w);
  }
  return part_columns_of_parts(&w->columns, w->schema, parts, from->njoined, w->why);
}

static int start_streams(struct writing *w, struct cursor **parts, struct part_stream *streams) {
  for (size_t i = 0; i < w->source->njoined; i++)
    if (part_stream_start(&streams[i], w->source->view, parts[i], INT64_MIN, INT64_MAX) !=
        SQLITE_OK)
      return cold_fault(w);
  return 0;
}

static int join_parts(struct writing *w, struct cursor **parts) {
  struct part_stream *streams = xcalloc(w->source->njoined, sizeof *streams), *s;
  struct batch *page = batch_new(w->schema);
  int status = start_streams(w, parts, streams);
  while (status == 0 && (s = earliest(streams, w->source->njoined)) != NULL) {
    status = copy_row(w, s, page);
    if (status == 0 && part_stream_next(s, w->source->view) != SQLITE_OK)
      status = cold_fault(w);
  }
  batch_free(page);
  free(streams);
  return status;
}

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

static int write_all(struct writing *w, const char *path, const char *database) {
  const struct part_source *source = w->source;
  struct cursor **parts = xcalloc(source->njoined + 1, sizeof(struct cursor *));
  int status = source->njoined > 0 ? open_parts(w, parts)
                                   : part_columns_of_table(&w->columns, source->db, w->schema,
                                                           w->part, w->stop, w->why);
  if (status == 0) {
    w->out = parquet_writer_new(path, w->columns.items, w->columns.count, ZSTD_LEVEL, w->why);
    status = w->out != NULL ? 0 : UV_EIO;
  }
  if (status == 0) {
    parquet_note(w->out, "moonledger.database", database);
    status = source->njoined > 0 ? join_parts(w, parts) : write_rows(w);
  }
  free(parts);
  return status == 0 ? finish(w) : status;
}

int part_write(const char *path, const char *database, const struct part_source *source,
               const atomic_bool *stop, struct part *part, struct buf *why) {
  struct writing w = {.source = source, .schema = source->schema, .stop = stop, .part = part,
                      .why = why};
  int status = write_all(&w, path, database);
  parquet_writer_free(w.out);
  part_columns_clear(&w.columns);
  buf_clear(&w.text);
  return status;
}
