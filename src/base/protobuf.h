#ifndef MOONLEDGER_BASE_PROTOBUF_H
#define MOONLEDGER_BASE_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Protocol Buffers without generated code: a reader of the wire format (protobuf.dev,
 * "Encoding") and descriptions of messages made at run time.  Knows nothing of Lua. */

enum protobuf_wire {
  PROTOBUF_VARINT = 0,
  PROTOBUF_FIXED64 = 1,
  PROTOBUF_BYTES = 2,
  PROTOBUF_FIXED32 = 5,
};

struct protobuf_value {
  uint32_t field;
  enum protobuf_wire wire;
  uint64_t number;  /* of a varint or fixed value: its bits */
  const char *data; /* of bytes; inside what was read */
  size_t len;
};

/* Reads the field at *p, which is before end, and moves *p behind it.  false when the
 * bytes are no field: cut off, a varint of more than ten bytes, field number 0, a group. */
bool protobuf_read(const char **p, const char *end, struct protobuf_value *value);

enum { PROTOBUF_WHY = 128 };

/* Whether the bytes are fields to their end; else why tells where they are not, and that those of
 * this message were expected. */
bool protobuf_check(const char *data, size_t len, const char *message, char why[PROTOBUF_WHY]);

/* Reads one number of a packed list of type's wire format. */
bool protobuf_read_packed(const char **p, const char *end, enum protobuf_wire wire,
                          uint64_t *number);

enum protobuf_type {
  PROTOBUF_STRING,
  PROTOBUF_HEX, /* bytes, shown as lower-case hexadecimal: trace and span ids */
  PROTOBUF_BOOL,
  PROTOBUF_INT,       /* int32, int64, uint32, enum */
  PROTOBUF_INT_FIXED, /* fixed64, sfixed64 */
  PROTOBUF_INT_FIXED32,
  PROTOBUF_DOUBLE,
  PROTOBUF_MESSAGE,
};

struct protobuf_field {
  char *name;
  uint32_t number;
  enum protobuf_type type;
  bool repeated;
  char *message_name;               /* of PROTOBUF_MESSAGE */
  struct protobuf_message *message; /* the same, once resolved */
};

struct protobuf_message {
  char *name;
  struct protobuf_field *fields; /* sorted by number once resolved */
  size_t nfields;
};

/* A set of messages that refer to each other.  Immutable once resolved. */
struct protobuf_schema {
  struct protobuf_message *messages;
  size_t nmessages;
};

/* Opens a message; fields are added to the one opened last.  All zeros is an empty schema. */
void protobuf_add_message(struct protobuf_schema *schema, const char *name);
void protobuf_add_field(struct protobuf_schema *schema, const char *name, uint32_t number,
                        enum protobuf_type type, bool repeated, const char *message_name);

/* Binds names to messages.  NULL, or the first name that none has. */
const char *protobuf_resolve(struct protobuf_schema *schema);

const struct protobuf_message *protobuf_find(const struct protobuf_schema *schema,
                                             const char *name);

/* The field of that number; NULL for an unknown one, or one whose wire format on the wire
 * is not its type's. */
const struct protobuf_field *protobuf_match(const struct protobuf_message *message,
                                            const struct protobuf_value *value);

enum protobuf_wire protobuf_wire_of(enum protobuf_type type);

void protobuf_clear(struct protobuf_schema *schema);

#endif
