#include "store/cold/thrift.h"

#include <assert.h>

void put_varint(struct buf *b, uint64_t n) {
  char *out = buf_reserve(b, 10);
  size_t len = 0;
  for (; n >= 0x80; n >>= 7)
    out[len++] = (char) (n | 0x80);
  out[len++] = (char) n;
  b->len += len;
}

static void put_field(struct thrift_out *out, int field, enum thrift_type type) {
  int *last = &out->last[out->depth];
  assert(field > *last && field - *last <= 15); /* so that one byte holds both */
  buf_putc(out->b, (char) ((field - *last) << 4 | type));
  *last = field;
}

void thrift_put_bool(struct thrift_out *out, int field, bool value) {
  put_field(out, field, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_put_i16(struct thrift_out *out, int field, int16_t value) {
  put_field(out, field, THRIFT_I16);
  put_varint(out->b, zigzag(value));
}

void thrift_put_i32(struct thrift_out *out, int field, int32_t value) {
  put_field(out, field, THRIFT_I32);
  put_varint(out->b, zigzag(value));
}

void thrift_put_i64(struct thrift_out *out, int field, int64_t value) {
  put_field(out, field, THRIFT_I64);
  put_varint(out->b, zigzag(value));
}

void thrift_put_binary(struct thrift_out *out, int field, const void *data, size_t len) {
  put_field(out, field, THRIFT_BINARY);
  thrift_item_binary(out, data, len);
}

void thrift_put_text(struct thrift_out *out, int field, const char *text) {
  thrift_put_binary(out, field, text, strlen(text));
}

void thrift_put_struct(struct thrift_out *out, int field) {
  put_field(out, field, THRIFT_STRUCT);
  thrift_item(out);
}

void thrift_put_end(struct thrift_out *out) {
  buf_putc(out->b, 0);
  out->depth--;
}

void thrift_put_list(struct thrift_out *out, int field, enum thrift_type type, size_t count) {
  put_field(out, field, THRIFT_LIST);
  buf_putc(out->b, (char) ((count < 15 ? count : 15) << 4 | type));
  if (count >= 15)
    put_varint(out->b, count);
}

void thrift_item(struct thrift_out *out) {
  out->last[++out->depth] = 0;
}

void thrift_item_i32(struct thrift_out *out, int32_t value) {
  put_varint(out->b, zigzag(value));
}

void thrift_item_i64(struct thrift_out *out, int64_t value) {
  put_varint(out->b, zigzag(value));
}

void thrift_item_binary(struct thrift_out *out, const void *data, size_t len) {
  put_varint(out->b, len);
  buf_append(out->b, data, len);
}

void thrift_item_bool(struct thrift_out *out, bool value) {
  buf_putc(out->b, value ? THRIFT_TRUE : THRIFT_FALSE);
}

static void give_up(struct thrift_in *in) {
  in->failed = true;
  in->p = in->end;
}

static uint8_t next_byte(struct thrift_in *in) {
  if (in->p < in->end)
    return *in->p++;
  give_up(in);
  return 0;
}

static void skip_bytes(struct thrift_in *in, uint64_t count) {
  if (count > (uint64_t) (in->end - in->p))
    give_up(in);
  else
    in->p += count;
}

uint64_t thrift_varint(struct thrift_in *in) {
  uint64_t n = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint8_t byte = next_byte(in);
    n |= (uint64_t) (byte & 0x7f) << shift;
    if (byte < 0x80)
      return n;
  }
  give_up(in);
  return 0;
}

bool thrift_next(struct thrift_in *in, struct thrift_field *field) {
  uint8_t head = next_byte(in);
  if (in->failed || head == 0)
    return false;
  field->type = head & 15;
  int64_t number = head >> 4 ? field->number + (head >> 4) : unzigzag(thrift_varint(in));
  if (number <= 0 || number > INT16_MAX)
    give_up(in);
  field->number = (int) number;
  return !in->failed;
}

static void skip_items(struct thrift_in *in, enum thrift_type type, uint64_t count,
                       unsigned depth);

static void skip_struct(struct thrift_in *in, unsigned depth);

static void skip_value(struct thrift_in *in, enum thrift_type type, unsigned depth) {
  uint8_t head;
  switch (type) {
  case THRIFT_TRUE:
  case THRIFT_FALSE:
    break;
  case THRIFT_BYTE:
    next_byte(in);
    break;
  case THRIFT_I16:
  case THRIFT_I32:
  case THRIFT_I64:
    thrift_varint(in);
    break;
  case THRIFT_DOUBLE:
    skip_bytes(in, 8);
    break;
  case THRIFT_BINARY:
    skip_bytes(in, thrift_varint(in));
    break;
  case THRIFT_LIST:
  case THRIFT_SET:
    head = next_byte(in);
    skip_items(in, head & 15, head >> 4 == 15 ? thrift_varint(in) : head >> 4, depth);
    break;
  case THRIFT_STRUCT:
    skip_struct(in, depth);
    break;
  default: /* Parquet has no maps */
    give_up(in);
  }
}

static void skip_items(struct thrift_in *in, enum thrift_type type, uint64_t count,
                       unsigned depth) {
  if (depth == 0)
    give_up(in);
  for (; count > 0 && !in->failed; count--)
    if (type == THRIFT_TRUE || type == THRIFT_FALSE)
      next_byte(in);
    else
      skip_value(in, type, depth - 1);
}

static void skip_struct(struct thrift_in *in, unsigned depth) {
  if (depth == 0)
    give_up(in);
  for (struct thrift_field field = {0}; thrift_next(in, &field);)
    skip_value(in, field.type, depth - 1);
}

void thrift_skip(struct thrift_in *in, enum thrift_type type) {
  skip_value(in, type, THRIFT_MAX_DEPTH);
}

int64_t thrift_integer(struct thrift_in *in, enum thrift_type type) {
  if (type == THRIFT_I16 || type == THRIFT_I32 || type == THRIFT_I64)
    return unzigzag(thrift_varint(in));
  thrift_skip(in, type);
  return 0;
}

const char *thrift_binary(struct thrift_in *in, enum thrift_type type, size_t *len) {
  *len = 0;
  if (type != THRIFT_BINARY) {
    thrift_skip(in, type);
    return "";
  }
  uint64_t count = thrift_varint(in);
  const uint8_t *data = in->p;
  skip_bytes(in, count);
  if (in->failed)
    return "";
  *len = count;
  return (const char *) data;
}

size_t thrift_list(struct thrift_in *in, enum thrift_type type, enum thrift_type items) {
  if (type != THRIFT_LIST) {
    thrift_skip(in, type);
    return 0;
  }
  uint8_t head = next_byte(in);
  uint64_t count = head >> 4 == 15 ? thrift_varint(in) : head >> 4;
  enum thrift_type found = head & 15;
  bool bools = items <= THRIFT_FALSE && found <= THRIFT_FALSE;
  if (count > (uint64_t) (in->end - in->p)) { /* an item has a byte at least */
    give_up(in);
    return 0;
  }
  if (found == items || bools)
    return count;
  skip_items(in, found, count, THRIFT_MAX_DEPTH);
  return 0;
}

bool thrift_item_is_true(struct thrift_in *in) {
  return next_byte(in) == THRIFT_TRUE;
}
