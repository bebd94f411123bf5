#include <string.h>

#include "base/protobuf.h"
#include "record/otlp_decode.h"

/* Field numbers: opentelemetry-proto, common.proto, logs.proto, trace.proto. */

enum { ITEMS_OF_REQUEST = 1, RESOURCE = 1, SCOPES = 2, SCOPE = 1, ITEMS = 2 };

static const uint8_t log_fields[] = {
    [1] = FIELD_TIME,   [5] = FIELD_BODY,  [6] = FIELD_ATTRIBUTES, [9] = FIELD_TRACE,
    [10] = FIELD_SPAN, [11] = FIELD_OBSERVED, [12] = FIELD_NAME,
};

static const uint8_t span_fields[] = {
    [1] = FIELD_TRACE, [2] = FIELD_SPAN, [4] = FIELD_PARENT,     [5] = FIELD_NAME,
    [7] = FIELD_START, [8] = FIELD_TIME, [9] = FIELD_ATTRIBUTES, [15] = FIELD_STATUS,
};

static bool next_field(struct span *s, struct protobuf_value *v, bool *broken) {
  const char *p = s->p;
  if (s->p == s->end)
    return false;
  *broken = !protobuf_read(&p, s->end, v);
  s->p = (char *) p;
  return !*broken;
}

static struct otlp_text text_of(const struct protobuf_value *v) {
  return (struct otlp_text){(char *) v->data, v->len};
}

static struct span span_of(const struct protobuf_value *v) {
  return (struct span){(char *) v->data, (char *) v->data + v->len};
}

static bool is_bytes(const struct protobuf_value *v, uint32_t field) {
  return v->field == field && v->wire == PROTOBUF_BYTES;
}

static void set_real(struct otlp_value *value, uint64_t bits) {
  double real;
  memcpy(&real, &bits, sizeof real);
  *value = otlp_real(real);
}

/* false: broken. */
static bool read_any(struct span s, struct otlp_value *value) {
  struct protobuf_value v;
  bool broken = false;
  value->kind = OTLP_NOTHING;
  while (next_field(&s, &v, &broken)) {
    if (v.field == 1 && v.wire == PROTOBUF_BYTES)
      *value = (struct otlp_value){.kind = OTLP_TEXT, .text = text_of(&v)};
    else if (v.field == 2 && v.wire == PROTOBUF_VARINT)
      *value = (struct otlp_value){.kind = OTLP_BOOLEAN, .boolean = v.number != 0};
    else if (v.field == 3 && v.wire == PROTOBUF_VARINT)
      *value = (struct otlp_value){.kind = OTLP_INTEGER, .integer = (int64_t) v.number};
    else if (v.field == 4 && v.wire == PROTOBUF_FIXED64)
      set_real(value, v.number);
    else if (v.field == 5 && v.wire == PROTOBUF_BYTES)
      *value = (struct otlp_value){.kind = OTLP_LIST, .text = text_of(&v)};
    else if (v.field == 6 && v.wire == PROTOBUF_BYTES)
      *value = (struct otlp_value){.kind = OTLP_MAP, .text = text_of(&v)};
  }
  return !broken;
}

/* A KeyValue; false: broken. */
static bool read_pair(struct span s, struct otlp_attribute *a) {
  struct protobuf_value v;
  bool broken = false;
  *a = (struct otlp_attribute){.key = {"", 0}};
  while (next_field(&s, &v, &broken)) {
    if (is_bytes(&v, 1))
      a->key = text_of(&v);
    else if (is_bytes(&v, 2) && !read_any(span_of(&v), &a->value))
      return false;
  }
  return !broken;
}

static void add_attribute(struct otlp_reader *r, struct otlp_attributes *to,
                          const struct protobuf_value *v) {
  struct otlp_attribute a;
  if (!read_pair(span_of(v), &a))
    r->broken_values++;
  else if (a.value.kind != OTLP_NOTHING && a.key.len > 0)
    otlp_add(to, &a);
}

static void read_status(struct otlp_item *item, struct span s) {
  struct protobuf_value v;
  bool broken;
  while (next_field(&s, &v, &broken)) {
    if (is_bytes(&v, 2))
      item->message = text_of(&v);
    else if (v.field == 3 && v.wire == PROTOBUF_VARINT)
      item->failed = v.number == STATUS_ERROR;
  }
}

static void put_clock(int64_t *to, const struct protobuf_value *v) {
  if (v->wire == PROTOBUF_FIXED64)
    *to = otlp_clock((int64_t) v->number);
}

static void put_bytes(struct otlp_reader *r, enum otlp_field field,
                      const struct protobuf_value *v) {
  struct otlp_item *item = &r->item;
  switch (field) {
  case FIELD_TRACE:
    otlp_put_id(item->trace_id, v->data, v->len);
    break;
  case FIELD_SPAN:
    otlp_put_id(item->span_id, v->data, v->len);
    break;
  case FIELD_PARENT:
    otlp_put_id(item->parent_id, v->data, v->len);
    break;
  case FIELD_NAME:
    item->name = text_of(v);
    break;
  case FIELD_BODY:
    if (!read_any(span_of(v), &item->body))
      r->broken_values++;
    break;
  case FIELD_STATUS:
    read_status(item, span_of(v));
    break;
  case FIELD_ATTRIBUTES:
    add_attribute(r, &item->attributes, v);
    break;
  default:
    break;
  }
}

static void put_field(struct otlp_reader *r, const struct protobuf_value *v) {
  bool logs = r->signal == OTLP_LOGS;
  size_t known = logs ? sizeof log_fields : sizeof span_fields;
  enum otlp_field field =
      v->field < known ? (logs ? log_fields : span_fields)[v->field] : FIELD_NONE;
  if (field == FIELD_TIME)
    put_clock(&r->item.time, v);
  else if (field == FIELD_OBSERVED)
    put_clock(&r->item.observed, v);
  else if (field == FIELD_START)
    put_clock(&r->item.start, v);
  else if (v->wire == PROTOBUF_BYTES)
    put_bytes(r, field, v);
}

static bool is_message(struct span s) {
  struct protobuf_value v;
  bool broken = false;
  while (next_field(&s, &v, &broken))
    ;
  return !broken;
}

static void read_resource(struct otlp_reader *r, struct span group) {
  struct protobuf_value v, inner;
  bool broken;
  otlp_empty(&r->resource);
  while (next_field(&group, &v, &broken)) {
    if (!is_bytes(&v, RESOURCE))
      continue;
    struct span resource = span_of(&v);
    while (next_field(&resource, &inner, &broken))
      if (is_bytes(&inner, 1))
        add_attribute(r, &r->resource, &inner);
  }
  r->new_resource = true;
}

static void read_scope(struct otlp_reader *r, struct span group) {
  struct protobuf_value v, inner;
  bool broken;
  r->scope = (struct otlp_text){0};
  while (next_field(&group, &v, &broken)) {
    if (!is_bytes(&v, SCOPE))
      continue;
    struct span scope = span_of(&v);
    while (next_field(&scope, &inner, &broken))
      if (is_bytes(&inner, 1))
        r->scope = text_of(&inner);
  }
  r->new_scope = true;
}

bool otlp_open_protobuf(struct otlp_reader *r, char why[OTLP_WHY]) {
  const char *message =
      r->signal == OTLP_LOGS ? "ExportLogsServiceRequest" : "ExportTraceServiceRequest";
  if (!protobuf_check(r->text->data, r->text->len, message, why))
    return false;
  r->level[0] = (struct span){r->text->data, r->text->data + r->text->len};
  r->depth = 1;
  return true;
}

/* Goes into a resource or a scope; one that is broken is left out. */
static void enter_group(struct otlp_reader *r, struct span group) {
  if (!is_message(group)) {
    r->broken_groups++;
    return;
  }
  if (r->depth == 1)
    read_resource(r, group);
  else
    read_scope(r, group);
  r->level[r->depth++] = group;
}

static bool read_item(struct otlp_reader *r, struct span s) {
  struct protobuf_value v;
  bool broken = false;
  while (next_field(&s, &v, &broken))
    put_field(r, &v);
  return !broken;
}

bool otlp_next_protobuf(struct otlp_reader *r) {
  static const uint32_t lists[] = {ITEMS_OF_REQUEST, SCOPES, ITEMS};
  struct protobuf_value v;
  bool broken;
  while (r->depth > 0) {
    unsigned level = r->depth - 1;
    if (!next_field(&r->level[level], &v, &broken))
      r->depth--;
    else if (!is_bytes(&v, lists[level]))
      continue;
    else if (level < 2)
      enter_group(r, span_of(&v));
    else if (!read_item(r, span_of(&v)))
      r->item.fault = "an item is broken";
    if (r->depth == 3 && level == 2)
      return true;
  }
  return false;
}

void otlp_enter_protobuf(const struct otlp_value *value, struct otlp_inside *in) {
  in->at = (struct span){value->text.data, value->text.data + value->text.len};
}

bool otlp_next_inside_protobuf(struct otlp_inside *in, struct otlp_attribute *member) {
  struct protobuf_value v;
  bool broken;
  while (next_field(&in->at, &v, &broken)) {
    if (!is_bytes(&v, 1))
      continue;
    member->key = (struct otlp_text){"", 0};
    if (in->is_map ? read_pair(span_of(&v), member) : read_any(span_of(&v), &member->value))
      return true;
    in->reader->broken_values++;
  }
  return false;
}
