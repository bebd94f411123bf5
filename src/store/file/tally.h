#ifndef MOONLEDGER_STORE_FILE_TALLY_H
#define MOONLEDGER_STORE_FILE_TALLY_H

#include <limits.h>

#include "base/table.h"
#include "record/record.h"
#include "record/sketch.h"

/* Which of the schema's figures are wanted, bit per measure and per sketch. */
struct figures {
  uint64_t measures;
  unsigned sketches;
};

#define ALL_FIGURES ((struct figures){UINT64_MAX, UINT_MAX})

/* What one record adds to those, or takes away; 0 to the others. */
struct contribution {
  int sign;                             /* 1 or -1 */
  unsigned sketched;                    /* the sketches that it is in, bit per sketch, .. */
  int32_t buckets[SCHEMA_MAX_SKETCHES]; /* .. and where */
  int64_t values[SCHEMA_MAX_MEASURES];
};

void contribution_of(struct contribution *contribution, const struct schema *schema,
                     struct figures wanted, const struct record *r, const struct buf *text,
                     int sign);

/* The columns that contribution_of looks at, bit per column. */
uint64_t contribution_columns(const struct schema *schema, struct figures wanted);

/* The measures over some rows that share a key (store/file/key.h).  Integers saturate. */
struct tally {
  size_t key_len, key_cap;
  char *key;     /* in the same allocation */
  bool stored;   /* the writer's: holds what the file holds, too */
  bool dirty;    /* the writer's: differs from the file */
  int64_t rows;
  int64_t first_us, last_us, last_row; /* of the rows, where a question asks for them (seen) */
  struct sketch *sketches;             /* as the key */
  int64_t sums[];
};

/* One that counts nothing; a reset one has room for as much again. */
struct tally *tally_new(const struct schema *schema, const char *key, size_t len);
void tally_reset(struct tally *t, const struct schema *schema);
void tally_free(struct tally *t, const struct schema *schema);

/* Ahead of one that will be looked at (mem_touch): itself, then what its sketches hold. */
void tally_touch(const struct tally *t, const struct schema *schema);
void tally_touch_sketches(const struct tally *t, const struct schema *schema);

/* Tallies by key.  All zeros but the schema is an empty one. */
struct tallies {
  const struct schema *schema;
  struct table table;
  struct buf spare; /* of pointers to those that were dropped, which are used again with the room
                       that their sketches have */
};

struct tally *tallies_at(struct tallies *t, const char *key, size_t len); /* finds or makes */
struct tally *tallies_find(const struct tallies *t, const char *key,
                           size_t len); /* NULL when there is none */
void tallies_clear(struct tallies *t);
void tallies_drop(struct tallies *t,
                  bool (*unwanted)(const struct tally *tally, const void *context),
                  const void *context);

/* The tallies in the order of their keys; the caller frees the array.  NULL when
 * there are none. */
struct tally **tallies_sorted(const struct tallies *t);
int tally_compare(const struct tally *a, const struct tally *b);
int tally_by_key(const void *a, const void *b); /* the same, for qsort of pointers */

static inline int64_t add_saturating(int64_t a, int64_t b, int sign) {
  int64_t sum;
  if (!(sign < 0 ? __builtin_sub_overflow(a, b, &sum) : __builtin_add_overflow(a, b, &sum)))
    return sum;
  return a < 0 ? INT64_MIN : INT64_MAX;
}

void tally_add(struct tally *t, const struct schema *schema,
               const struct contribution *contribution);
void tally_add_sums(struct tally *t, const struct schema *schema,
                    const struct contribution *contribution); /* the sketches are the caller's */

/* Rows between these times, of which the last is that one; 0: there was none. */
void tally_seen(struct tally *t, int64_t first_us, int64_t last_us, int64_t last_row);
void tally_merge(struct tally *into, const struct tally *from, const struct schema *schema);

#endif
