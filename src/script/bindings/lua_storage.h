#ifndef MOONLEDGER_SCRIPT_BINDINGS_LUA_STORAGE_H
#define MOONLEDGER_SCRIPT_BINDINGS_LUA_STORAGE_H

#include <lua.h>
#include <stdint.h>

/* The reading half of the storage binding (lua_query.c). */
int l_storage_select(lua_State *L);
int l_storage_count(lua_State *L);
int l_storage_get(lua_State *L);
int l_storage_aggregate(lua_State *L);
int l_storage_sql(lua_State *L);
int l_storage_retention(lua_State *L);

/* lua_storage_rows.c */
int l_storage_append(lua_State *L);
int l_storage_put(lua_State *L);

/* lua_storage_post.c */
struct metric;
struct metrics;
int l_storage_post(lua_State *L);
struct metric *lua_lost_records(struct metrics *metrics); /* the family; NULL: it cannot be had */

/* What a status below 0 of the store means, in words. */
const char *lua_storage_why(int status);

/* nil, message, reason: what a script gets when the store could not do it.  A message that is NULL
 * or empty becomes lua_storage_why.  reason is one of "unavailable" (no storage), "full" (the write
 * queue; try again), "timeout", "canceled", "invalid", "failed". */
int lua_storage_fail(lua_State *L, int status, const char *message);

struct submission;
int lua_storage_not_written(lua_State *L, const struct submission *sub); /* its status is below 0 */

struct storage;
/* NULL with storage.backend = "none". */
struct storage *lua_storage(lua_State *L);
int lua_storage_unavailable(lua_State *L);

struct batch;
/* Pushes the batch (lua_batch_push) of the records in the list at index 1; *dropped: by the
 * hook. */
struct batch **lua_storage_read_records(lua_State *L, uint32_t *dropped);

#endif
