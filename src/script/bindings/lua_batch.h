#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_BATCH_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_BATCH_H

#include <lua.h>

#include "base/buf.h"
#include "record/record.h"

/* Records between Lua tables and batches.  As a table a record has its columns by name
 * (times as unix seconds), "type" for its event type, and "extra" for what has no column,
 * as a json.fragment. */

/* Pushes the place for a batch, empty; the collector frees what stands in it. */
struct batch **lua_batch_push(lua_State *L);

/* Adds the table at index as record number position, or notes why it cannot be one. Other
 * members go to extra.  scratch is any buffer. Raises nothing. */
void lua_batch_add(lua_State *L, int index, struct batch *b, uint32_t position, struct buf *scratch,
                   int64_t now_us);

/* Pushes the record as it was received: what is absent stays absent. */
void lua_batch_push_record(lua_State *L, const struct batch *b, const struct record *r);

/* Pushes a stored row: every public column has a value; with_extra adds extra. */
void lua_batch_push_row(lua_State *L, const struct batch *b, const struct record *r,
                        bool with_extra);

/* Pushes the list of rejections: { index, line?, field?, message }. */
void lua_batch_push_errors(lua_State *L, const struct batch *b);

/* Replaces *batch by the records that the function at index hook makes of them; nil drops
 * one.  Returns how many were dropped; raises what the function raises. */
uint32_t lua_batch_apply(lua_State *L, int hook, struct batch **batch, int64_t now_us);

#endif
