#ifndef MOONLEDGER_RECORD_OTLP_H
#define MOONLEDGER_RECORD_OTLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/content.h"

/* OTLP's log records and spans (opentelemetry-proto, logs.proto and trace.proto) one after another
 * as they stand in a body, JSON or protobuf alike; attributes are not copied.  JSON is read with
 * one tolerance: lowerCamelCase or protobuf's own names, enums by name or number, integers and
 * doubles as numbers or texts, ids in hexadecimal or base64.  One thread at a time. */

enum otlp_signal { OTLP_LOGS, OTLP_TRACES };
enum otlp_encoding { OTLP_JSON, OTLP_PROTOBUF };

/* Also of what is no AnyValue of these: bytes, not finite numbers, junk. */
enum otlp_kind {
  OTLP_NOTHING,
  OTLP_TEXT,
  OTLP_INTEGER,
  OTLP_REAL,
  OTLP_BOOLEAN,
  OTLP_LIST,
  OTLP_MAP,
};

struct otlp_text {
  char *data; /* in the body; of protobuf it need not be UTF-8 */
  size_t len;
};

struct otlp_value {
  enum otlp_kind kind;
  union {
    struct otlp_text text; /* of a list or a map: as it stands in the body */
    int64_t integer;
    double real;
    bool boolean;
  };
};

struct otlp_attribute {
  struct otlp_text key;
  struct otlp_value value;
  int number;    /* for whoever looks the key up in a set of names; undefined before */
  bool unpacked; /* made of a member of another one */
};

enum {
  OTLP_MAX_ID = 100,           /* bytes of an id that is neither hexadecimal nor base64 */
  OTLP_MAX_ATTRIBUTES = 65536, /* of one item: 3 MiB; OpenInference's SDKs send up to 10,000 */
  OTLP_MAX_MISFITS = 7,        /* kinds of them */
  OTLP_WHY = 128,              /* bytes of what is wrong with a body */
};

struct otlp_attributes {
  struct buf list; /* struct otlp_attribute */
  size_t count;
  size_t left_out; /* for which there was no place */
};

struct otlp_item {
  const char *fault; /* why it cannot be taken, or NULL */
  /* unix nanoseconds, 0 for unknown; time is a span's end */
  int64_t time, observed, start;
  char trace_id[OTLP_MAX_ID + 1], span_id[OTLP_MAX_ID + 1], parent_id[OTLP_MAX_ID + 1];
  struct otlp_text name;    /* of the event, of the span */
  struct otlp_text message; /* of a span's status */
  bool failed;              /* its status says so */
  struct otlp_value body;
  struct otlp_attributes attributes;
};

/* What stands around items and is of another type than it should be. */
struct otlp_misfit {
  const char *what;
  uint32_t items; /* that are lost with it: one for a list of who knows how many */
};

/* Its fields are read, not written; valid until the next otlp_next. */
struct otlp_reader {
  enum otlp_signal signal;
  enum otlp_encoding encoding;
  struct otlp_item item;
  struct otlp_attributes resource;
  struct otlp_text scope;        /* its name */
  bool new_resource, new_scope;  /* others than of the item before */
  uint32_t broken_groups;        /* of protobuf: resources and scopes with all that is in them */
  uint32_t broken_values;        /* attributes */
  struct otlp_misfit misfits[OTLP_MAX_MISFITS]; /* of JSON */
  size_t nmisfits;

  struct buf *text;    /* the body */
  struct buf lists;    /* of JSON: the arrays of items */
  struct buf scratch;  /* a copy of a list or a map that is being read */
  struct otlp_block *blocks; /* names and texts of unpacked attributes */
  size_t at_list;      /* of JSON */
  struct span {
    char *p, *end;
  } level[3];          /* of protobuf: request, resource, scope */
  unsigned depth;
  char *p;             /* of JSON: in the array of items; NULL before it */
};

/* Begins to read.  text is the body, which must outlive the reader and of which nobody else makes
 * use: texts are decoded in place.  That of JSON is valid UTF-8 with JSON_PADDING zeros and one
 * more behind it.  r is all zeros before.  false: why says what is wrong with the body as a whole,
 * and where. */
bool otlp_open(struct otlp_reader *r, struct buf *text, enum otlp_encoding encoding,
               enum otlp_signal signal, char why[OTLP_WHY]);
bool otlp_next(struct otlp_reader *r); /* false at the end */
void otlp_close(struct otlp_reader *r);

static inline struct otlp_attribute *otlp_attribute(const struct otlp_attributes *a, size_t i) {
  return (struct otlp_attribute *) a->list.data + i;
}

/* The last attribute of this name, as a later one replaces an earlier; NULL: none. */
const struct otlp_attribute *otlp_find(const struct otlp_attributes *a, const char *key,
                                       size_t len);

/* Whether a later one has the same name. */
bool otlp_is_replaced(const struct otlp_attributes *a, size_t i);

/* Adds what stands in an attribute of the item to its attributes, under the attribute's name, a
 * point and the member's, objects in objects as well: it is a map, or a text that is JSON or
 * Python's str of a dict.  JSON that is no object is added under the attribute's own name. */
void otlp_unpack(struct otlp_reader *r, size_t i);

/* What stands in a list or a map, in the order of the body; keys are empty in a list. */
struct otlp_inside {
  struct otlp_reader *reader;
  bool is_map;
  struct span at;
};

void otlp_enter(struct otlp_reader *r, const struct otlp_value *value, struct otlp_inside *in);
bool otlp_next_inside(struct otlp_inside *in, struct otlp_attribute *member);

/* A number as a value: an integer where it is one, nothing where it is not finite. */
struct otlp_value otlp_real(double real);

/* Appends the value as JSON, without what is content at any depth; false, and nothing is appended,
 * when the whole value is. */
bool otlp_write_json(struct otlp_reader *r, const struct otlp_value *value,
                     const struct content *content, struct buf *out);

#endif
