#ifndef MOONLEDGER_RECORD_CONDITION_H
#define MOONLEDGER_RECORD_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/record.h"
#include "record/schema.h"

/* The one filter language: a list of {column, op, value...}, all of which must
 * hold.  Storage compiles it to SQL, the hub matches events against it.  Immutable
 * once shared; counted references, any thread. */

enum condition_op {
  OP_EQ, OP_NE, OP_IN, OP_NOT_IN, OP_LT, OP_LE, OP_GT, OP_GE, OP_PREFIX,
  OP_MATCHES,    /* one of several: see enum match */
  OP_NOT_MATCHES
};

/* The values of matches.  Numbers and times are pairs, from and to, both included.  A
 * text begins with one of these, which says what the rest is, so that lists compare and
 * sort like others. */
enum match { MATCH_EXACT = '=', MATCH_PREFIX = '^' };

static inline bool condition_is_match(enum condition_op op) {
  return op == OP_MATCHES || op == OP_NOT_MATCHES;
}

struct condition {
  int column;
  enum condition_op op;
  size_t nvalues;
  union value *values; /* of the column's type; strings in the text of the conditions */
};

struct conditions {
  size_t count;
  struct condition *items;
  struct buf text;
  unsigned refs; /* atomic builtins */
};

struct conditions *conditions_new(void);
struct conditions *conditions_ref(struct conditions *c);
void conditions_unref(struct conditions *c); /* NULL is allowed */

/* Opens a condition; values are added to the one opened last. */
void conditions_add(struct conditions *c, int column, enum condition_op op);
void conditions_value_text(struct conditions *c, const char *s, size_t len);
void conditions_value(struct conditions *c, union value v);
void conditions_match_text(struct conditions *c, enum match match, const char *s, size_t len);

/* "=", "not_in", .. */
bool condition_op_parse(const char *name, size_t len, enum condition_op *op);
const char *condition_op_name(enum condition_op op);

/* Sorts items and lists, drops repeats and bounds that are NaN, joins ranges that meet, so that
 * filters written differently but equal in meaning are equal.  Before sharing. */
void conditions_normalise(struct conditions *c, const struct schema *schema);
/* in this process */
uint64_t conditions_hash(const struct conditions *c, const struct schema *schema);

bool conditions_equal(const struct conditions *a, const struct conditions *b,
                      const struct schema *schema);

/* The columns that c (or NULL) is about, bit per column. */
uint64_t conditions_columns(const struct conditions *c);

/* Whether a value of a stored row, of that column's type, matches one of them. */
bool condition_matches(const struct conditions *c, const struct condition *item,
                       enum column_type type, union value v, const struct buf *text);

/* Whether a stored row matches: every slot counts, present or not. */
bool conditions_match_row(const struct conditions *c, const struct schema *schema,
                          const struct record *r, const struct buf *text);

/* Whether an event as received matches (GET /logs/stream): a value that is not known (record_knows)
 * fails =, in, prefix and matches, and passes !=, not_in, not_matches and every bound.  In both, a
 * bound that is NaN lets everything pass. */
bool conditions_match_event(const struct conditions *c, const struct schema *schema,
                            const struct record *r, const struct buf *text);

#endif
