#ifndef MOONLEDGER_STORE_COLD_THRIFT_H
#define MOONLEDGER_STORE_COLD_THRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Thrift's compact protocol, as far as Parquet's metadata needs it: its specification in
 * doc/specs of github.com/apache/thrift. */

enum thrift_type {
  THRIFT_TRUE = 1,
  THRIFT_FALSE = 2,
  THRIFT_BYTE = 3,
  THRIFT_I16 = 4,
  THRIFT_I32 = 5,
  THRIFT_I64 = 6,
  THRIFT_DOUBLE = 7,
  THRIFT_BINARY = 8,
  THRIFT_LIST = 9,
  THRIFT_SET = 10,
  THRIFT_MAP = 11,
  THRIFT_STRUCT = 12,
};

enum { THRIFT_MAX_DEPTH = 16 };

static inline uint64_t zigzag(int64_t n) {
  return (uint64_t) n << 1 ^ -(uint64_t) (n < 0);
}

static inline int64_t unzigzag(uint64_t n) {
  return (int64_t) (n >> 1 ^ (0 - (n & 1)));
}

void put_varint(struct buf *b, uint64_t n);

/* Writes the fields of a struct, in order of their numbers, then its end. */
struct thrift_out {
  struct buf *b;
  int last[THRIFT_MAX_DEPTH]; /* field, of each struct that is open */
  int depth;
};

void thrift_put_bool(struct thrift_out *out, int field, bool value);
void thrift_put_i16(struct thrift_out *out, int field, int16_t value);
void thrift_put_i32(struct thrift_out *out, int field, int32_t value);
void thrift_put_i64(struct thrift_out *out, int field, int64_t value);
void thrift_put_binary(struct thrift_out *out, int field, const void *data, size_t len);
void thrift_put_text(struct thrift_out *out, int field, const char *text);
void thrift_put_struct(struct thrift_out *out, int field); /* until thrift_put_end */
void thrift_put_end(struct thrift_out *out);               /* of the outermost one, too */

/* A list's items follow: structs, each between thrift_item and thrift_put_end, or values. */
void thrift_put_list(struct thrift_out *out, int field, enum thrift_type type, size_t count);
void thrift_item(struct thrift_out *out);
void thrift_item_i32(struct thrift_out *out, int32_t value);
void thrift_item_i64(struct thrift_out *out, int64_t value);
void thrift_item_binary(struct thrift_out *out, const void *data, size_t len);
void thrift_item_bool(struct thrift_out *out, bool value);

/* Reads: after anything that is wrong, failed is set, and all that is read is 0 or ends. */
struct thrift_in {
  const uint8_t *p, *end;
  bool failed;
};

/* A field of a struct whose fields are being read. */
struct thrift_field {
  int number; /* 0 at first */
  enum thrift_type type;
};

/* The next field; its value must be read, or skipped.  false at the end of the struct. */
bool thrift_next(struct thrift_in *in, struct thrift_field *field);
void thrift_skip(struct thrift_in *in, enum thrift_type type);

/* The value of a field, which is skipped and 0 (or empty) if it has another type. */
int64_t thrift_integer(struct thrift_in *in, enum thrift_type type); /* of any width */
const char *thrift_binary(struct thrift_in *in, enum thrift_type type, size_t *len);

/* The count of a list with items of that type; each of them must be read.  0 if it is none. */
size_t thrift_list(struct thrift_in *in, enum thrift_type type, enum thrift_type items);

/* An item that is a bool: a byte of its own. */
bool thrift_item_is_true(struct thrift_in *in);

/* The unsigned number at in->p. */
uint64_t thrift_varint(struct thrift_in *in);

#endif
