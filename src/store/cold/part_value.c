#include "store/cold/part_value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"

enum part_kind part_kind_of(enum parquet_type type) {
  return type == PARQUET_DOUBLE                          ? KIND_DOUBLE
         : type == PARQUET_TEXT || type == PARQUET_BYTES ? KIND_TEXT
                                                         : KIND_INTEGER;
}

bool part_value_read(struct view *view, struct cursor *c, int column, size_t place,
                     struct part_value *value) {
  const struct parquet_vector *v = cursor_get(view, c, column);
  *value = (struct part_value){KIND_NULL, {0}};
  if (v == NULL || (v->present != NULL && !v->present[place]))
    return v != NULL;
  value->kind = part_kind_of(parquet_column(c->file, (size_t) column)->type);
  if (value->kind == KIND_TEXT)
    value->v.s = parquet_text_at(v, place);
  else if (value->kind == KIND_DOUBLE)
    value->v.f = v->doubles[place];
  else
    value->v.i = v->integers[place];
  return true;
}

struct part_value part_value_of(sqlite3_stmt *stmt, int i) {
  struct part_value value = {KIND_NULL, {0}};
  switch (sqlite3_column_type(stmt, i)) {
  case SQLITE_NULL:
    break;
  case SQLITE_INTEGER:
    value.kind = KIND_INTEGER;
    value.v.i = sqlite3_column_int64(stmt, i);
    break;
  case SQLITE_FLOAT:
    value.kind = KIND_DOUBLE;
    value.v.f = sqlite3_column_double(stmt, i);
    break;
  default:
    value.kind = KIND_TEXT;
    value.v.s.data = sqlite3_column_blob(stmt, i);
    value.v.s.len = (uint32_t) sqlite3_column_bytes(stmt, i);
  }
  return value;
}

/* Numbers are read up to where they end, as SQLite does. */
static double to_double(const struct part_value *value) {
  char digits[64];
  if (value->kind != KIND_TEXT)
    return value->kind == KIND_DOUBLE ? value->v.f : (double) value->v.i;
  snprintf(digits, sizeof digits, "%.*s", (int) value->v.s.len, value->v.s.data);
  return strtod(digits, NULL);
}

static int64_t to_integer(const struct part_value *value) {
  char digits[64];
  if (value->kind != KIND_TEXT)
    return value->kind == KIND_INTEGER ? value->v.i : number_saturate(trunc(value->v.f));
  snprintf(digits, sizeof digits, "%.*s", (int) value->v.s.len, value->v.s.data);
  return strtoll(digits, NULL, 10);
}

union value part_value_as(const struct part_value *value, enum column_type type, struct batch *b) {
  char text[40];
  if (type == COLUMN_FLOAT)
    return (union value){.f = to_double(value)};
  if (type != COLUMN_STRING)
    return (union value){.i = to_integer(value)};
  if (value->kind == KIND_TEXT)
    return batch_put_text(b, value->v.s.data, value->v.s.len);
  if (value->kind == KIND_DOUBLE)
    sqlite3_snprintf(sizeof text, text, "%!.15g", value->v.f);
  else
    sqlite3_snprintf(sizeof text, text, "%lld", (long long) value->v.i);
  return batch_put_text(b, text, strlen(text));
}

struct parquet_text part_value_text(const struct part_value *value, struct buf *scratch) {
  if (value->kind == KIND_TEXT)
    return value->v.s;
  scratch->len = 0;
  if (value->kind == KIND_DOUBLE)
    buf_put_double(scratch, value->v.f);
  else
    buf_put_int(scratch, value->v.i);
  return (struct parquet_text){scratch->data, (uint32_t) scratch->len};
}

void part_value_bind(sqlite3_stmt *stmt, int index, const struct part_value *value) {
  switch (value->kind) {
  case KIND_NULL:
    sqlite3_bind_null(stmt, index);
    break;
  case KIND_INTEGER:
    sqlite3_bind_int64(stmt, index, value->v.i);
    break;
  case KIND_DOUBLE:
    sqlite3_bind_double(stmt, index, value->v.f);
    break;
  case KIND_TEXT:
    sqlite3_bind_text(stmt, index, value->v.s.len > 0 ? value->v.s.data : "",
                      (int) value->v.s.len, SQLITE_TRANSIENT);
  }
}
