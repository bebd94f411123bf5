#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_COUNTS_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_COUNTS_H

#include <lua.h>

#include "record/record.h"

/* How many of a batch's records have each value of some columns: who sent them, for one. */

enum { VALUE_COLUMNS = 4, VALUE_GROUPS = 64 };

struct value_counts {
  size_t ncolumns; /* 0: nothing is counted */
  int columns[VALUE_COLUMNS];
  size_t ngroups;
  struct value_group {
    uint64_t hash;
    uint32_t first, records;        /* its first record's place in the batch */
  } groups[VALUE_GROUPS], others;   /* what is beyond them */
};

/* Of none yet, by the list of names of text columns at index; nil counts nothing.  Raises what is
 * wrong with it. */
struct value_counts lua_counts_check(lua_State *L, int index);

/* Counts the records of b, which are in the cache still when they have just been read.  Any
 * thread. */
void lua_counts_add(struct value_counts *c, const struct batch *b);

/* Pushes a list of { column = text.., records = n } in order of arrival, without empty texts; what
 * is beyond VALUE_GROUPS is counted in one more, { others = true, records = n }.  nil where
 * nothing is counted.  b is that which was counted. */
void lua_counts_push(lua_State *L, const struct value_counts *c, const struct batch *b);

#endif
