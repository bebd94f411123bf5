#ifndef MOONLEDGER_RECORD_RECORD_H
#define MOONLEDGER_RECORD_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/content.h"
#include "record/schema.h"

/* One record.  Strings live in the text of its batch; v has a slot per column of
 * the schema. */
struct record {
  /* bit per column: received and not null; the id always.  Every slot of v is valid */
  uint64_t present;
  int64_t row;       /* rowid once stored, else 0 */
  uint32_t position; /* in what was sent, from 0 */
  uint8_t event;     /* index into schema->events */
  bool unchanged;    /* set by the writer: a repeat that changed nothing */
  struct {
    uint32_t offset, len;
  } extra; /* one JSON object of what has no column, in text; len 0 for none */
  union value v[];
};

struct rejection {
  uint32_t index, line; /* line 0: not line-oriented */
  int column;           /* -1 when it is not about one */
  char message[120];
};

enum {
  BATCH_MAX_ERRORS = 20,
  /* that are scanned from one body: a slot is much larger than {} in a body */
  BATCH_MAX_RECORDS = 500000,
};

/* Records on their way from a body to the store, and rows on their way back.  One
 * owner at a time. */
struct batch {
  const struct schema *schema;
  const struct content *content; /* which extra does not take; held; NULL: it takes all */
  /* the body itself for JSON; strings are decoded in place, made ones appended */
  struct buf text;
  struct buf records; /* records of batch_stride(schema) bytes; use batch_record */
  size_t count;
  uint32_t sent; /* records that came, rejected ones included */
  uint32_t rejected;
  struct rejection *errors; /* of BATCH_MAX_ERRORS, or NULL before the first */
  size_t nerrors;
};

struct batch *batch_new(const struct schema *schema);
void batch_free(struct batch *b);

/* Content stays out of what is added from now on. */
void batch_leave_out(struct batch *b, const struct content *content);

static inline size_t batch_stride(const struct schema *schema) {
  return sizeof(struct record) + schema->ncolumns * sizeof(union value);
}

static inline struct record *batch_record(const struct batch *b, size_t i) {
  return (struct record *) (b->records.data + i * batch_stride(b->schema));
}

/* Of a batch that another thread made, and ahead of its records: all of one, and most of its text,
 * on their way into this core's cache (mem_touch).  None where there is none at i. */
void batch_touch(const struct batch *b, size_t i);

/* Appends a record of defaults and of the default event type.  Pointers to other
 * records of b are void afterwards. */
struct record *batch_add(struct batch *b);
void batch_drop_last(struct batch *b);

/* Notes that the record at position index was not taken, and why; counting what was
 * sent is the caller's. */
void batch_reject(struct batch *b, uint32_t index, uint32_t line, int column,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

const char *column_expected(const struct column *c); /* "an integer", for messages */

/* Sets a column from text, number or boolean as a lenient client sends it: numbers
 * as strings, booleans as 0/1, times by magnitude or ISO 8601.  name is one of a
 * column's.  false when the value does not fit the column; then *why says what was
 * expected, and an alias belongs into extra instead of being a fault: another
 * sender's "status" may be a word. */
bool record_set_text(struct batch *b, struct record *r, const struct column_name *name,
                     const char *s, size_t len, const char **why);
bool record_set_number(struct batch *b, struct record *r, const struct column_name *name,
                       bool is_integer, int64_t integer, double real, const char **why);
bool record_set_boolean(struct batch *b, struct record *r, const struct column_name *name,
                        bool value, const char **why);

/* Adds a member that has no column, but for what of it is content: json is one valid value.
 * Before batch_complete. */
void record_put_extra(struct batch *b, struct record *r, const char *name, size_t name_len,
                      const char *json, size_t json_len);

/* The same for a value that has no content in it, and no white space between its tokens. */
void record_put_compact(struct batch *b, struct record *r, const char *name, size_t name_len,
                        const char *json, size_t json_len);

/* The same for all members of an object, which is valid JSON.  Columns that live in extra, and
 * those that rows show on request and r does not have, get their slots: in older rows they were
 * members.  copy is the caller's, to work in. */
void record_put_members(struct batch *b, struct record *r, struct buf *copy, const char *json,
                        size_t len);

/* Gives r its id if it has none, its time, defaults and derived values
 * (schema.lua), and writes the columns that live in extra into its JSON. */
void batch_complete(struct batch *b, struct record *r, int64_t now_us);

/* Adds the columns that live in extra, those that r has, to its JSON. */
void record_write_extra(struct batch *b, struct record *r);

/* What a derived column gets from its source in r. */
union value record_derive(const struct schema *schema, const struct record *r, int column);

/* Moves members of r's extra into columns (bit per column) that r has no value of, by their names
 * or aliases; what does not fit stays.  Answers whether there were any. */
bool record_take_members(struct batch *b, struct record *r, uint64_t columns);

/* The way back from a stored row: fills the slots of the columns that live in extra
 * from r's extra. */
void record_read_extra(struct batch *b, struct record *r);

/* Appends extra without the columns that live in it: an object, or nothing when
 * nothing is left. */
void extra_write_rest(struct buf *out, const struct schema *schema, const char *json, size_t len);

struct told;

/* Appends the members of a row's extra (the last record of its batch) and of a later
 * record's as one object, without the columns that the row has there, or nothing when
 * there are none.  told has the later's stamp at `at`; a member that both have is the
 * higher one's, and what each stamp has is set.  later is valid, as extra is, or empty
 * text. */
void extra_merge(struct buf *out, const struct batch *row, struct told *told, size_t at,
                 const char *later, size_t later_len);

/* How many of the names are members of extra that say something: not null, 0 nor an empty text. */
size_t extra_count(const struct record *r, const struct buf *text, const char *const *names,
                   size_t nnames);

static inline bool record_has(const struct record *r, int column) {
  return r->present >> column & 1;
}

/* Takes the lowest column out of a set that has some, bit per column. */
static inline int columns_take(uint64_t *set) {
  int column = __builtin_ctzll(*set);
  *set &= *set - 1;
  return column;
}

/* Known: received, or derived from what was. */
static inline bool record_knows(const struct schema *schema, const struct record *r, int column) {
  int from = schema->columns[column].from;
  return record_has(r, column) || (from >= 0 && record_has(r, from));
}

static inline double value_number(const struct column *c, union value v) {
  return c->type == COLUMN_FLOAT ? v.f : (double) v.i;
}

static inline const char *value_text(const struct buf *text, union value v, size_t *len) {
  *len = v.s.len;
  return v.s.len > 0 ? text->data + v.s.offset : "";
}

/* Neither the empty text nor 0. */
static inline bool value_is_set(const struct column *c, union value v) {
  return c->type == COLUMN_STRING ? v.s.len > 0 : v.i != 0;
}

/* Appends a string to b's text and returns its place. */
union value batch_put_text(struct batch *b, const char *s, size_t len);

/* The row's public columns as one JSON object in the order of the schema; with_extra adds those of
 * the others that it has a value of, and "extra". */
void record_write_json(struct buf *out, const struct schema *schema, const struct record *r,
                       const struct buf *text, bool with_extra);

/* Its "extra", an object. */
void record_write_extra_json(struct buf *out, const struct record *r, const struct buf *text);

/* One column's value as JSON: times as ISO 8601. */
void value_write_json(struct buf *out, const struct column *c, union value v,
                      const struct buf *text);

/* {"type":..,"data":{..},"timestamp":now} with the fields of its event type as
 * received. */
void record_write_event(struct buf *out, const struct schema *schema, const struct record *r,
                        const struct buf *text, int64_t now_us);

#endif
