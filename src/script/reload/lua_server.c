#include <lauxlib.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/guard.h"
#include "script/engine/generation.h"
#include "script/engine/lua_json.h"
#include "script/engine/script.h"
#include "script/engine/state.h"
#include "script/reload/generations.h"
#include "script/reload/require.h"

static const char status_type[] = "server.status";

struct reloading {
  struct job job;
  struct reload reload;
};

/* Raises while the first files are loaded: nothing is in force then. */
static struct generations *check_generations(lua_State *L) {
  struct generations *g = script_of(L)->generation->owner;
  if (g == NULL)
    luaL_error(L, "server cannot be asked while files are loaded: call it in a handler");
  return g;
}

static void on_reloaded(struct message *m) {
  struct reloading *r = container_of(m, struct reloading, reload.done);
  r->job.message.receive(&r->job.message);
}

static void push_lines(lua_State *L, const struct buf *text) {
  lua_newtable(L);
  const char *p = text->data, *end = p + text->len;
  for (lua_Integer i = 1; p < end; i++) {
    const char *stop = memchr(p, '\n', (size_t) (end - p));
    if (stop == NULL)
      stop = end;
    lua_pushlstring(L, p, (size_t) (stop - p));
    lua_rawseti(L, -2, i);
    p = stop + 1;
  }
  lua_json_mark_array(L);
}

/* The number of the generation in force, and the list of errors that kept it in force. */
static int push_reloaded(lua_State *L, struct job *job) {
  struct reloading *r = container_of(job, struct reloading, job);
  lua_pushinteger(L, (lua_Integer) r->reload.number);
  if (r->reload.errors.len == 0)
    return 1;
  push_lines(L, &r->reload.errors);
  return 2;
}

static void free_reloading(struct job *job) {
  struct reloading *r = container_of(job, struct reloading, job);
  buf_clear(&r->reload.errors);
  free(r);
}

static int l_server_reload(lua_State *L) {
  struct task *task = script_task(L, "server.reload");
  struct reloading *r = xcalloc(1, sizeof *r);
  r->job.push = push_reloaded;
  r->job.free = free_reloading;
  script_begin(task, &r->job);
  r->reload.loop = r->job.loop;
  r->reload.done.receive = on_reloaded;
  generations_reload(check_generations(L), &r->reload);
  return script_wait(L, &r->job);
}

static int l_status_gc(lua_State *L) {
  struct generations_status *status = lua_touserdata(L, 1);
  buf_clear(&status->errors);
  return 0;
}

static int l_server_status(lua_State *L) {
  script_check_serving(L, "server.status");
  struct generations_status *status = lua_newuserdatauv(L, sizeof *status, 0);
  *status = (struct generations_status){0};
  luaL_setmetatable(L, status_type);
  generations_status(check_generations(L), status);
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer) status->number);
  lua_setfield(L, -2, "generation");
  lua_pushnumber(L, (lua_Number) status->started_us / 1e6);
  lua_setfield(L, -2, "started");
  push_lines(L, &status->errors);
  lua_setfield(L, -2, "errors");
  return 1;
}

static int l_server_may(lua_State *L) {
  static const char *const names[] = {"open", "read", "ingest", "admin", NULL};
  enum scope scope = (enum scope) luaL_checkoption(L, 1, NULL, names);
  const struct request *r = script_request(L);
  lua_pushboolean(L, r != NULL && guard_check(r->site->options, r, scope).status == 0);
  return 1;
}

/* server.now(): unix seconds; req.now is those of a request. */
static int l_server_now(lua_State *L) {
  lua_pushnumber(L, (lua_Number) clock_now_us() / 1e6);
  return 1;
}

static int open_server(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"may", l_server_may},
    {"now", l_server_now},
    {"reload", l_server_reload},
    {"status", l_server_status},
    {NULL, NULL},
  };
  luaL_newmetatable(L, status_type);
  lua_pushcfunction(L, l_status_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}

void lua_server_open(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open_server);
  lua_setfield(L, -2, "server");
  lua_pop(L, 1);
}
