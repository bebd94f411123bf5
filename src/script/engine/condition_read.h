#ifndef MOONLEDGER_SCRIPT_ENGINE_CONDITION_READ_H
#define MOONLEDGER_SCRIPT_ENGINE_CONDITION_READ_H

#include <lua.h>

#include "record/condition.h"

/* Reads the Lua list at index: { { column, op, value... }, ... }; times are unix seconds.
 * NULL when it is wrong, with what was expected appended to error.  Reads raw and raises
 * nothing. */
struct conditions *conditions_read(lua_State *L, int index, const struct schema *schema,
                                   struct buf *error);

#endif
