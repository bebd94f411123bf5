#include "record/record.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"
#include "record/json.h"
#include "record/timestamp.h"

struct batch *batch_new(const struct schema *schema) {
  struct batch *b = xcalloc(1, sizeof *b);
  b->schema = schema;
  return b;
}

void batch_leave_out(struct batch *b, const struct content *content) {
  const struct content *before = b->content;
  b->content = content_hold(content);
  content_release(before);
}

void batch_free(struct batch *b) {
  if (b == NULL)
    return;
  buf_clear(&b->text);
  buf_clear(&b->records);
  content_release(b->content);
  free(b->errors);
  free(b);
}

void batch_touch(const struct batch *b, size_t i) {
  enum { TEXT = 1024 }; /* that stands after the id, which senders tell first */
  if (i >= b->count)
    return;
  const struct record *r = batch_record(b, i);
  size_t from = r->v[b->schema->id].s.offset, left = b->text.len - from;
  mem_touch(r, batch_stride(b->schema));
  mem_touch(b->text.data + from, left < TEXT ? left : TEXT);
}

struct record *batch_add(struct batch *b) {
  const struct schema *s = b->schema;
  size_t stride = batch_stride(s);
  struct record *r = (struct record *) buf_reserve(&b->records, stride);
  *r = (struct record){.event = (uint8_t) s->default_event};
  memcpy(r->v, s->defaults, s->ncolumns * sizeof *r->v);
  b->records.len += stride;
  b->count++;
  return r;
}

void batch_drop_last(struct batch *b) {
  b->records.len -= batch_stride(b->schema);
  b->count--;
}

void batch_reject(struct batch *b, uint32_t index, uint32_t line, int column,
                  const char *format, ...) {
  b->rejected++;
  if (b->nerrors == BATCH_MAX_ERRORS)
    return;
  if (b->errors == NULL)
    b->errors = xcalloc(BATCH_MAX_ERRORS, sizeof *b->errors);
  struct rejection *e = &b->errors[b->nerrors++];
  *e = (struct rejection){.index = index, .line = line, .column = column};
  va_list args;
  va_start(args, format);
  vsnprintf(e->message, sizeof e->message, format, args);
  va_end(args);
  /* it may have been cut inside a character */
  e->message[utf8_valid(e->message, strlen(e->message))] = '\0';
}

union value batch_put_text(struct batch *b, const char *s, size_t len) {
  union value v = {.s = {(uint32_t) b->text.len, (uint32_t) len}};
  buf_append(&b->text, s, len);
  return v;
}

static bool put_value(struct record *r, int column, union value v) {
  r->v[column] = v;
  r->present |= 1ull << column;
  return true;
}

static bool expected(const char **why, const char *what) {
  *why = what;
  return false;
}

static const char *const type_names[] = {"a string", "an integer", "a number", "a boolean",
                                         "a time (unix seconds or ISO 8601)"};

const char *column_expected(const struct column *c) {
  return type_names[c->type];
}

static bool set_integer(struct record *r, int column, bool is_integer, int64_t integer, double real,
                        const char **why) {
  if (!is_integer && real != rint(real))
    return expected(why, "an integer");
  if (!is_integer && !(fabs(real) < 0x1p63))
    return expected(why, "an integer of 64 bits");
  return put_value(r, column, (union value){.i = is_integer ? integer : (int64_t) real});
}

bool record_set_number(struct batch *b, struct record *r, const struct column_name *name,
                       bool is_integer, int64_t integer, double real, const char **why) {
  enum column_type type = b->schema->columns[name->column].type;
  int64_t us;
  switch (type) {
  case COLUMN_INTEGER:
    return set_integer(r, name->column, is_integer, integer, real, why);
  case COLUMN_FLOAT:
    real = is_integer ? (double) integer : real;
    if (name->scale != 1)
      real = number_scale(real, name->scale);
    if (!isfinite(real))
      return expected(why, "a finite number");
    return fabs(real) <= b->schema->columns[name->column].most
               ? put_value(r, name->column, (union value){.f = real})
               : expected(why, "a number that its sum can hold");
  case COLUMN_BOOLEAN:
    if (is_integer && (integer == 0 || integer == 1))
      return put_value(r, name->column, (union value){.i = integer});
    break;
  case COLUMN_TIME:
    if (is_integer ? timestamp_from_integer(integer, &us) : timestamp_from_real(real, &us))
      return put_value(r, name->column, (union value){.i = us});
    break;
  case COLUMN_STRING:
    break;
  }
  return expected(why, type_names[type]);
}

bool record_set_boolean(struct batch *b, struct record *r, const struct column_name *name,
                        bool value, const char **why) {
  enum column_type type = b->schema->columns[name->column].type;
  if (type != COLUMN_BOOLEAN)
    return expected(why, type_names[type]);
  return put_value(r, name->column, (union value){.i = value});
}

static bool is_word(const char *s, size_t len, const char *word) {
  return strlen(word) == len && strncasecmp(s, word, len) == 0;
}

static void trim(const char **s, size_t *len) {
  for (; *len > 0 && (**s == ' ' || **s == '\t'); (*s)++)
    --*len;
  while (*len > 0 && ((*s)[*len - 1] == ' ' || (*s)[*len - 1] == '\t'))
    --*len;
}

bool record_set_text(struct batch *b, struct record *r, const struct column_name *name,
                     const char *s, size_t len, const char **why) {
  enum column_type type = b->schema->columns[name->column].type;
  bool is_integer;
  int64_t integer = 0, us;
  double real = 0;
  if (type == COLUMN_STRING)
    return put_value(r, name->column, batch_put_text(b, s, len));
  if (type == COLUMN_TIME)
    return timestamp_parse(s, len, &us) ? put_value(r, name->column, (union value){.i = us})
                                        : expected(why, type_names[type]);
  trim(&s, &len);
  if (type == COLUMN_BOOLEAN && (is_word(s, len, "true") || is_word(s, len, "false")))
    return put_value(r, name->column, (union value){.i = len == 4});
  if (!parse_number(s, len, &is_integer, &integer, &real))
    return expected(why, type_names[type]);
  return record_set_number(b, r, name, is_integer, integer, real, why);
}

void value_write_json(struct buf *out, const struct column *c, union value v,
                      const struct buf *text) {
  size_t len;
  const char *s;
  switch (c->type) {
  case COLUMN_STRING:
    s = value_text(text, v, &len);
    json_write_string(out, s, len);
    break;
  case COLUMN_INTEGER:
    buf_put_int(out, v.i);
    break;
  case COLUMN_FLOAT:
    json_write_double(out, v.f);
    break;
  case COLUMN_BOOLEAN:
    buf_puts(out, v.i != 0 ? "true" : "false");
    break;
  case COLUMN_TIME:
    buf_putc(out, '"');
    timestamp_write(out, v.i);
    buf_putc(out, '"');
    break;
  }
}

void record_write_extra_json(struct buf *out, const struct record *r, const struct buf *text) {
  if (r->extra.len > 0)
    buf_append(out, text->data + r->extra.offset, r->extra.len);
  else
    buf_literal(out, "{}");
}

void record_write_json(struct buf *out, const struct schema *schema, const struct record *r,
                       const struct buf *text, bool with_extra) {
  char separator = '{';
  for (size_t i = 0; i < schema->nstored; i++) {
    const struct column *c = &schema->columns[i];
    if (!c->is_public && !(with_extra && column_is_shown(c) && value_is_set(c, r->v[i])))
      continue;
    buf_putc(out, separator);
    buf_append(out, c->json, c->json_len);
    value_write_json(out, c, r->v[i], text);
    separator = ',';
  }
  if (with_extra) {
    buf_literal(out, ",\"extra\":");
    record_write_extra_json(out, r, text);
  }
  buf_putc(out, '}');
}

void record_write_event(struct buf *out, const struct schema *schema, const struct record *r,
                        const struct buf *text, int64_t now_us) {
  const struct event_type *e = &schema->events[r->event];
  char separator = '{';
  buf_printf(out, "{\"type\":\"%s\",\"data\":", e->name);
  for (size_t i = 0; i < e->nfields; i++) {
    const struct column *c = &schema->columns[e->order[i]];
    if (!record_has(r, e->order[i]))
      continue;
    buf_putc(out, separator);
    buf_append(out, c->json, c->json_len);
    value_write_json(out, c, r->v[e->order[i]], text);
    separator = ',';
  }
  if (separator == '{')
    buf_putc(out, '{');
  buf_literal(out, "},\"timestamp\":");
  buf_put_double(out, (double) now_us / 1e6);
  buf_putc(out, '}');
}
