/* storage.append and storage.put: rows that scripts write. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "script/bindings/lua_fields.h"
#include "script/bindings/lua_storage.h"
#include "script/engine/limits.h"
#include "script/engine/lua_json.h"
#include "script/engine/lua_list.h"
#include "script/engine/memory.h"
#include "script/engine/script.h"
#include "store/storage.h"

enum {
  APPEND_KEEP = 1000000,
  ENTRY_STEPS = 200, /* of limits_work, to write one */
};

/* Rows on their way. */
struct writing {
  struct job job;
  struct submission submission;
  struct script_rows *rows;
};

static void free_rows(struct script_rows *rows) {
  if (rows != NULL)
    script_rows_clear(rows);
  free(rows);
}

static int push_written(lua_State *L, struct job *job) {
  const struct submission *sub = &container_of(job, struct writing, job)->submission;
  if (sub->status < 0)
    return lua_storage_not_written(L, sub);
  lua_newtable(L);
  return 1;
}

static void free_writing(struct job *job) {
  struct writing *w = container_of(job, struct writing, job);
  free_rows(w->rows);
  free(w);
}

static void on_written(struct message *m) {
  struct writing *w = container_of(m, struct writing, submission.done);
  w->job.message.receive(&w->job.message);
}

/* Takes the rows over; nothing may raise any more. */
static int write_rows(lua_State *L, struct task *task, struct script_rows **rows) {
  struct writing *w = xcalloc(1, sizeof *w);
  w->job.push = push_written;
  w->job.free = free_writing;
  w->rows = *rows;
  *rows = NULL;
  script_begin(task, &w->job);
  w->submission = (struct submission){.kind = SUBMIT_SCRIPT_ROWS,
                                      .script_rows = w->rows,
                                      .loop = w->job.loop,
                                      .done.receive = on_written};
  int rc = storage_submit(lua_storage(L), &w->submission);
  if (rc != 0) {
    w->submission.status = rc;
    loop_post(w->job.loop, &w->job.message);
  }
  return script_wait(L, &w->job);
}

static const char script_rows_type[] = "script rows";

static int l_script_rows_gc(lua_State *L) {
  struct script_rows **rows = lua_touserdata(L, 1);
  free_rows(*rows);
  *rows = NULL;
  return 0;
}

/* Pushes the place of rows that are being put together. */
static struct script_rows **push_script_rows(lua_State *L) {
  struct script_rows **rows = lua_newuserdatauv(L, sizeof *rows, 0);
  *rows = NULL;
  if (luaL_newmetatable(L, script_rows_type)) {
    lua_pushcfunction(L, l_script_rows_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
  *rows = xcalloc(1, sizeof **rows);
  return rows;
}

static const char *check_topic(lua_State *L, size_t *len) {
  const char *topic = luaL_checklstring(L, 1, len);
  luaL_argcheck(L, *len > 0 && *len < sizeof((struct script_rows *) NULL)->topic, 1,
                "a topic has 1 to 64 bytes");
  return topic;
}

/* storage.append(topic, entries, {keep = n}) */

/* The entry at the top: its members kind and time (unix seconds; absent: now) are columns
 * of their own. */
static void add_entry(lua_State *L, struct script_rows *rows, struct buf *json,
                      struct buf *error, int64_t now_us) {
  size_t kind_len = 0;
  luaL_checktype(L, -1, LUA_TTABLE);
  lua_getfield(L, -1, "kind");
  lua_getfield(L, -2, "time");
  const char *kind = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &kind_len) : "";
  double time = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
  bool has_time = time > 0 && time < 253402300800.0;
  json->len = 0;
  if (!lua_json_write(L, -3, json, error)) {
    lua_pushlstring(L, error->data, error->len);
    luaL_argerror(L, 2, lua_tostring(L, -1));
  }
  script_rows_add(rows, has_time ? (int64_t) (time * 1e6 + 0.5) : now_us, kind, kind_len,
                  json->data, json->len);
  lua_pop(L, 2);
}

static void read_script_rows(lua_State *L, struct script_rows *rows) {
  int64_t now_us = clock_now_us();
  struct buf *json = lua_json_push_fragment(L), *error = lua_json_push_fragment(L);
  lua_Integer count = (lua_Integer) lua_rawlen(L, 2);
  size_t bytes = 0;
  for (lua_Integer i = 1; i <= count; i++) {
    limits_work(L, ENTRY_STEPS);
    lua_rawgeti(L, 2, i);
    add_entry(L, rows, json, error, now_us);
    bytes += json->len;
    if (!memory_make_room(L, bytes))
      luaL_argerror(L, 2, "too many entries for script.memory_bytes");
    lua_pop(L, 1);
  }
}

static int64_t option_keep(lua_State *L, int index) {
  static const char *const known[] = {"keep", NULL};
  if (lua_isnoneornil(L, index))
    return APPEND_KEEP;
  luaL_checktype(L, index, LUA_TTABLE);
  lua_fields_check(L, index, known);
  return lua_field_integer(L, index, "keep", APPEND_KEEP, 1, INT64_MAX / 2);
}

int l_storage_append(lua_State *L) {
  size_t len;
  const char *topic = check_topic(L, &len);
  lua_list_check(L, 2, "entries");
  int64_t keep = option_keep(L, 3);
  struct task *task = script_task(L, "storage.append");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  struct script_rows **rows = push_script_rows(L);
  memcpy((*rows)->topic, topic, len);
  (*rows)->keep = keep;
  read_script_rows(L, *rows);
  return write_rows(L, task, rows);
}

/* storage.put(topic, {key = value}) */

/* The key below the top, and its value at the top: a table, or false, which removes it. */
static void add_kept(lua_State *L, struct script_rows *rows, struct buf *json, struct buf *error) {
  size_t key_len;
  json->len = 0;
  if (lua_type(L, -2) != LUA_TSTRING)
    luaL_argerror(L, 2, "texts as keys expected");
  const char *key = lua_tolstring(L, -2, &key_len);
  if (!lua_istable(L, -1) && (!lua_isboolean(L, -1) || lua_toboolean(L, -1)))
    luaL_argerror(L, 2, "tables, or false, as values expected");
  if (lua_istable(L, -1) && !lua_json_write(L, -1, json, error)) {
    lua_pushlstring(L, error->data, error->len);
    luaL_argerror(L, 2, lua_tostring(L, -1));
  }
  script_rows_add(rows, 0, key, key_len, json->data, json->len);
}

int l_storage_put(lua_State *L) {
  size_t len, bytes = 0;
  const char *topic = check_topic(L, &len);
  luaL_checktype(L, 2, LUA_TTABLE);
  struct task *task = script_task(L, "storage.put");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  struct script_rows **rows = push_script_rows(L);
  struct buf *json = lua_json_push_fragment(L), *error = lua_json_push_fragment(L);
  memcpy((*rows)->topic, topic, len);
  (*rows)->keyed = true;
  for (lua_pushnil(L); lua_next(L, 2) != 0; lua_pop(L, 1)) {
    limits_work(L, ENTRY_STEPS);
    add_kept(L, *rows, json, error);
    bytes += json->len;
    if (!memory_make_room(L, bytes))
      luaL_argerror(L, 2, "too many values for script.memory_bytes");
  }
  return write_rows(L, task, rows);
}
