#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_COUNTS_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_COUNTS_H

#include <lua.h>

#include "record/record.h"

/* How many of a batch's records have each value of some columns: who sent them, for one. */

enum { COUNTED_COLUMNS = 4 };

struct counted_by {
  size_t ncolumns; /* 0: nothing is counted */
  int columns[COUNTED_COLUMNS];
};

/* The list of names of text columns at index; nil counts nothing.  Raises what is wrong with it. */
struct counted_by lua_counts_check(lua_State *L, int index);

/* Pushes a list of { column = text.., records = n } in order of arrival, without empty texts; what
 * is beyond 32 of them is counted in one without texts.  nil where nothing is counted. */
void lua_counts_push(lua_State *L, const struct counted_by *by, const struct batch *b);

#endif
