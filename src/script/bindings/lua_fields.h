#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_FIELDS_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_FIELDS_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conditions;

/* Raises when the options table at index has a key that is none of known (ended by a
 * NULL), and names it.  Where a list may stand in its place, positions are no keys. */
void lua_fields_check(lua_State *L, int index, const char *const *known);

/* Optional fields of the options table at index.  A field of the wrong type or out of
 * bounds raises and names the field. */
int64_t lua_field_integer(lua_State *L, int index, const char *name, int64_t absent, int64_t least,
                          int64_t most);
bool lua_field_boolean(lua_State *L, int index, const char *name);

/* A column's name; -1 when the field is absent. */
int lua_field_column(lua_State *L, int index, const char *name);

/* Raises: the value at index, in the field, names no column. */
int lua_column_error(lua_State *L, const char *field, int index);

/* Pushes a list of least to most, whose length is returned, or nil: 0.  what: of what. */
size_t lua_field_list(lua_State *L, int index, const char *name, size_t least, size_t most,
                      const char *what);

/* Conditions, NULL when the field is absent.  The caller owns the reference and raises
 * nothing before it has stored it. */
struct conditions *lua_field_conditions(lua_State *L, int index, const char *name);

/* Raises: bad field NAME (message). */
__attribute__((noreturn)) void lua_field_error(lua_State *L, const char *name,
                                               const char *message);

#endif
