#ifndef MOONLEDGER_SCRIPT_ENGINE_LUA_JSON_H
#define MOONLEDGER_SCRIPT_ENGINE_LUA_JSON_H

#include <lua.h>
#include <stdbool.h>

#include "base/buf.h"

int luaopen_json(lua_State *L);

/* Appends the value at index as JSON (record/json.h has the rules of strings and
 * numbers).  A table is an array if json.array marked it or its keys are 1..n, else an
 * object, its members sorted by name; an empty unmarked table is {}. json.fragment is
 * embedded as it is.  false when the value has no JSON form (a function, mixed keys,
 * nested too deep, too large, the script's time is up): then error says what and where,
 * and out may hold a part. Never raises, leaves the stack as it was. */
bool lua_json_write(lua_State *L, int index, struct buf *out, struct buf *error);

/* Pushes an empty json.fragment and returns its bytes, for the caller to fill.  The
 * collector frees them, so it is also the place for a buffer that is open while Lua may
 * raise. */
struct buf *lua_json_push_fragment(lua_State *L);

/* Pushes a json.fragment with a copy, which counts as the state's memory; raises when
 * there is no room. */
struct buf *lua_json_push_copy(lua_State *L, const char *text, size_t len);

/* The bytes of a fragment, which is empty afterwards, for the caller to free. */
struct buf lua_json_take(lua_State *L, struct buf *fragment);

/* Pushes a json.fragment that takes the bytes over. */
struct buf *lua_json_push_taken(lua_State *L, struct buf *bytes);

/* Takes the request's body, or copies a string, into a fragment that is fit for the
 * scanner of record/json_scan.h, and pushes it. */
struct buf *lua_json_push_text(lua_State *L, int index);

/* The bytes of a fragment, or NULL when the value at index is none. */
struct buf *lua_json_fragment(lua_State *L, int index);

/* Says that there is no white space between the tokens of a fragment's bytes. */
void lua_json_mark_compact(struct buf *fragment);
bool lua_json_is_compact(const struct buf *fragment);

/* Marks the table at the top of the stack as an array. */
void lua_json_mark_array(lua_State *L);

/* Pushes the bytes of the string, or of the userdata with __tostring, at index: for
 * arguments that may be large. */
const char *lua_json_check_text(lua_State *L, int index, size_t *len);

/* json.items(text, names): an iterator over the elements of the array that is the member
 * names[n] of the objects of the array .. names[1] of the object that text is, as texts,
 * without decoding or copying the whole (lua_json_items.c). */
int lua_json_items(lua_State *L);

/* json.values(text): an iterator over the elements of an array, or over the values that
 * stand each on lines of their own, as texts; false and why for what is none.  And whether
 * anything stands in text. */
int lua_json_values(lua_State *L);

#endif
