#ifndef MOONLEDGER_SCRIPT_ENGINE_SCHEMA_LOAD_H
#define MOONLEDGER_SCRIPT_ENGINE_SCHEMA_LOAD_H

#include <lua.h>

#include "record/schema.h"

/* Compiles the table at the top of L's stack (what lua/schema.lua returned) and leaves it there;
 * the caller's to schema_free.  On a mistake returns NULL and appends "schema.lua: what is wrong,
 * what was expected" to error. Raises nothing. */
struct schema *schema_load(lua_State *L, struct buf *error);

#endif
