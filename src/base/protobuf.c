#include "base/protobuf.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool read_long_varint(const char **p, const char *end, uint64_t *number) {
  uint64_t n = 0;
  for (unsigned shift = 0; shift < 70 && *p < end; shift += 7) {
    uint8_t byte = (uint8_t) * (*p)++;
    if (shift < 64)
      n |= (uint64_t) (byte & 0x7f) << shift;
    if (byte < 0x80) {
      *number = n;
      return true;
    }
  }
  return false;
}

/* Most have one byte. */
static inline bool read_varint(const char **p, const char *end, uint64_t *number) {
  if (*p < end && (uint8_t) **p < 0x80) {
    *number = (uint8_t) *(*p)++;
    return true;
  }
  return read_long_varint(p, end, number);
}

static bool read_fixed64(const char **p, const char *end, uint64_t *number) {
  if (end - *p < 8)
    return false;
  memcpy(number, *p, 8);
  *number = le64toh(*number);
  *p += 8;
  return true;
}

static bool read_fixed32(const char **p, const char *end, uint64_t *number) {
  uint32_t n;
  if (end - *p < 4)
    return false;
  memcpy(&n, *p, 4);
  *number = le32toh(n);
  *p += 4;
  return true;
}

static bool read_bytes(const char **p, const char *end, struct protobuf_value *value) {
  uint64_t len;
  if (!read_varint(p, end, &len) || len > (uint64_t) (end - *p))
    return false;
  value->data = *p;
  value->len = len;
  *p += len;
  return true;
}

bool protobuf_check(const char *data, size_t len, const char *message, char why[PROTOBUF_WHY]) {
  struct protobuf_value value;
  for (const char *p = data, *end = data + len; p < end;) {
    size_t at = (size_t) (p - data) + 1;
    if (protobuf_read(&p, end, &value))
      continue;
    snprintf(why, PROTOBUF_WHY, "expected a field of %s at byte %zu", message, at);
    return false;
  }
  return true;
}

bool protobuf_read_packed(const char **p, const char *end, enum protobuf_wire wire,
                          uint64_t *number) {
  switch (wire) {
  case PROTOBUF_VARINT:
    return read_varint(p, end, number);
  case PROTOBUF_FIXED64:
    return read_fixed64(p, end, number);
  case PROTOBUF_FIXED32:
    return read_fixed32(p, end, number);
  default:
    return false;
  }
}

bool protobuf_read(const char **p, const char *end, struct protobuf_value *value) {
  uint64_t tag;
  if (!read_varint(p, end, &tag) || tag >> 3 == 0 || tag > UINT32_MAX)
    return false;
  value->field = (uint32_t) (tag >> 3);
  value->wire = tag & 7;
  if (value->wire == PROTOBUF_BYTES)
    return read_bytes(p, end, value);
  return protobuf_read_packed(p, end, value->wire, &value->number);
}

void protobuf_add_message(struct protobuf_schema *schema, const char *name) {
  size_t n = schema->nmessages++;
  schema->messages = xrealloc(schema->messages, schema->nmessages * sizeof *schema->messages);
  schema->messages[n] = (struct protobuf_message){.name = xstrdup(name)};
}

void protobuf_add_field(struct protobuf_schema *schema, const char *name, uint32_t number,
                        enum protobuf_type type, bool repeated, const char *message_name) {
  struct protobuf_message *m = &schema->messages[schema->nmessages - 1];
  size_t n = m->nfields++;
  m->fields = xrealloc(m->fields, m->nfields * sizeof *m->fields);
  m->fields[n] = (struct protobuf_field){
      .name = xstrdup(name),
      .number = number,
      .type = type,
      .repeated = repeated,
      .message_name = type == PROTOBUF_MESSAGE ? xstrdup(message_name) : NULL,
  };
}

static struct protobuf_message *find_message(const struct protobuf_schema *schema,
                                             const char *name) {
  for (size_t i = 0; i < schema->nmessages; i++)
    if (strcmp(schema->messages[i].name, name) == 0)
      return &schema->messages[i];
  return NULL;
}

const struct protobuf_message *protobuf_find(const struct protobuf_schema *schema,
                                             const char *name) {
  return find_message(schema, name);
}

static int by_number(const void *a, const void *b) {
  const struct protobuf_field *x = a, *y = b;
  return (x->number > y->number) - (x->number < y->number);
}

const char *protobuf_resolve(struct protobuf_schema *schema) {
  for (size_t i = 0; i < schema->nmessages; i++) {
    struct protobuf_message *m = &schema->messages[i];
    if (m->nfields > 0)
      qsort(m->fields, m->nfields, sizeof *m->fields, by_number);
    for (size_t j = 0; j < m->nfields; j++) {
      struct protobuf_field *f = &m->fields[j];
      if (f->type == PROTOBUF_MESSAGE &&
          (f->message = find_message(schema, f->message_name)) == NULL)
        return f->message_name;
    }
  }
  return NULL;
}

enum protobuf_wire protobuf_wire_of(enum protobuf_type type) {
  switch (type) {
  case PROTOBUF_BOOL:
  case PROTOBUF_INT:
    return PROTOBUF_VARINT;
  case PROTOBUF_INT_FIXED:
  case PROTOBUF_DOUBLE:
    return PROTOBUF_FIXED64;
  case PROTOBUF_INT_FIXED32:
    return PROTOBUF_FIXED32;
  default:
    return PROTOBUF_BYTES;
  }
}

const struct protobuf_field *protobuf_match(const struct protobuf_message *message,
                                            const struct protobuf_value *value) {
  for (size_t i = 0; i < message->nfields && message->fields[i].number <= value->field; i++) {
    const struct protobuf_field *f = &message->fields[i];
    if (f->number != value->field)
      continue;
    bool fits = value->wire == protobuf_wire_of(f->type) ||
                (f->repeated && value->wire == PROTOBUF_BYTES);
    return fits ? f : NULL;
  }
  return NULL;
}

void protobuf_clear(struct protobuf_schema *schema) {
  for (size_t i = 0; i < schema->nmessages; i++) {
    struct protobuf_message *m = &schema->messages[i];
    for (size_t j = 0; j < m->nfields; j++) {
      free(m->fields[j].name);
      free(m->fields[j].message_name);
    }
    free(m->fields);
    free(m->name);
  }
  free(schema->messages);
  *schema = (struct protobuf_schema){0};
}
