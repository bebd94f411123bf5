#include "record/otlp.h"

#include <math.h>

#include "base/number.h"
#include "base/protobuf.h"
#include "record/json.h"
#include "record/json_scan.h"
#include "record/otlp_decode.h"

/* Lists and maps inside each other; JSON's own limit is no larger. */
enum { MAX_DEPTH = 64 };

_Static_assert((int) OTLP_WHY >= (int) JSON_WHY && (int) OTLP_WHY >= (int) PROTOBUF_WHY,
               "what is wrong has room");

bool otlp_open(struct otlp_reader *r, struct buf *text, enum otlp_encoding encoding,
               enum otlp_signal signal, char why[OTLP_WHY]) {
  r->text = text;
  r->encoding = encoding;
  r->signal = signal;
  return encoding == OTLP_JSON ? otlp_open_json(r, why) : otlp_open_protobuf(r, why);
}

static void reset(struct otlp_reader *r) {
  struct otlp_item *item = &r->item;
  otlp_free_blocks(r);
  item->fault = NULL;
  item->time = item->observed = item->start = 0;
  item->trace_id[0] = item->span_id[0] = item->parent_id[0] = '\0';
  item->name = item->message = (struct otlp_text){0};
  item->failed = false;
  item->body.kind = OTLP_NOTHING;
  otlp_empty(&item->attributes);
}

bool otlp_next(struct otlp_reader *r) {
  reset(r);
  r->new_resource = r->new_scope = false;
  return r->encoding == OTLP_JSON ? otlp_next_json(r) : otlp_next_protobuf(r);
}

void otlp_close(struct otlp_reader *r) {
  otlp_free_blocks(r);
  buf_clear(&r->item.attributes.list);
  buf_clear(&r->resource.list);
  buf_clear(&r->lists);
  buf_clear(&r->scratch);
}

void otlp_add(struct otlp_attributes *a, const struct otlp_attribute *added) {
  if (a->count == OTLP_MAX_ATTRIBUTES) {
    a->left_out++;
    return;
  }
  buf_append(&a->list, added, sizeof *added);
  a->count++;
}

void otlp_empty(struct otlp_attributes *a) {
  a->list.len = a->count = a->left_out = 0;
}

static bool has_key(const struct otlp_attribute *a, const char *key, size_t len) {
  return a->key.len == len && memcmp(a->key.data, key, len) == 0;
}

const struct otlp_attribute *otlp_find(const struct otlp_attributes *a, const char *key,
                                       size_t len) {
  for (size_t i = a->count; i > 0; i--)
    if (has_key(otlp_attribute(a, i - 1), key, len))
      return otlp_attribute(a, i - 1);
  return NULL;
}

/* Looked for among so many that follow: the time for all of them grows with their number. */
enum { NEAR = 1024 };

bool otlp_is_replaced(const struct otlp_attributes *a, size_t i) {
  const struct otlp_attribute *of = otlp_attribute(a, i);
  size_t end = a->count - i > NEAR ? i + NEAR : a->count;
  for (size_t later = i + 1; later < end; later++)
    if (has_key(otlp_attribute(a, later), of->key.data, of->key.len))
      return true;
  return false;
}

struct otlp_value otlp_real(double real) {
  if (real == rint(real) && fabs(real) < 0x1p63)
    return (struct otlp_value){.kind = OTLP_INTEGER, .integer = (int64_t) real};
  enum otlp_kind kind = isfinite(real) ? OTLP_REAL : OTLP_NOTHING;
  return (struct otlp_value){.kind = kind, .real = real};
}

int64_t otlp_clock(int64_t ns) {
  return ns >= 100000000000000000 ? ns : 0;
}

void otlp_put_id(char out[OTLP_MAX_ID + 1], const char *bytes, size_t len) {
  static const char digits[] = "0123456789abcdef";
  uint8_t any = 0;
  out[0] = '\0';
  if (len > OTLP_MAX_ID / 2)
    return;
  for (size_t i = 0; i < len; i++) {
    any |= (uint8_t) bytes[i];
    out[2 * i] = digits[(uint8_t) bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  out[any != 0 ? 2 * len : 0] = '\0';
}

void otlp_enter(struct otlp_reader *r, const struct otlp_value *value, struct otlp_inside *in) {
  *in = (struct otlp_inside){.reader = r, .is_map = value->kind == OTLP_MAP};
  if (r->encoding == OTLP_JSON)
    otlp_enter_json(r, value, in);
  else
    otlp_enter_protobuf(value, in);
}

bool otlp_next_inside(struct otlp_inside *in, struct otlp_attribute *member) {
  return in->reader->encoding == OTLP_JSON ? otlp_next_inside_json(in, member)
                                           : otlp_next_inside_protobuf(in, member);
}

struct writer {
  struct otlp_reader *r;
  const struct content *content;
  struct buf *out;
};

static bool write_value(struct writer *w, const struct otlp_value *v, unsigned depth);

static void write_inside(struct writer *w, const struct otlp_value *v, unsigned depth) {
  struct otlp_inside in;
  struct otlp_attribute member;
  char separator = v->kind == OTLP_MAP ? '{' : '[';
  size_t start = w->out->len;
  otlp_enter(w->r, v, &in);
  while (otlp_next_inside(&in, &member)) {
    size_t before = w->out->len;
    if (in.is_map && content_has(w->content, member.key.data, member.key.len))
      continue;
    buf_putc(w->out, separator);
    if (in.is_map) {
      json_write_string(w->out, member.key.data, member.key.len);
      buf_putc(w->out, ':');
    }
    if (write_value(w, &member.value, depth))
      separator = ',';
    else
      w->out->len = before;
  }
  if (w->out->len == start)
    buf_putc(w->out, separator);
  buf_putc(w->out, in.is_map ? '}' : ']');
}

static bool write_value(struct writer *w, const struct otlp_value *v, unsigned depth) {
  switch (v->kind) {
  case OTLP_TEXT:
    if (w->content != NULL && v->text.len > w->content->longest)
      return false;
    json_write_string(w->out, v->text.data, v->text.len);
    return true;
  case OTLP_INTEGER:
    buf_put_int(w->out, v->integer);
    return true;
  case OTLP_REAL:
    json_write_double(w->out, v->real);
    return true;
  case OTLP_BOOLEAN:
    buf_puts(w->out, v->boolean ? "true" : "false");
    return true;
  case OTLP_LIST:
  case OTLP_MAP:
    if (depth == MAX_DEPTH)
      return false;
    write_inside(w, v, depth + 1);
    return true;
  default:
    return false;
  }
}

bool otlp_write_json(struct otlp_reader *r, const struct otlp_value *value,
                     const struct content *content, struct buf *out) {
  struct writer w = {.r = r, .content = content, .out = out};
  return write_value(&w, value, 0);
}
