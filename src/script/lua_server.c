#include <lauxlib.h>
#include <stdlib.h>

#include "base/mem.h"
#include "script/bindings.h"
#include "script/generation.h"
#include "script/lua_json.h"
#include "script/script.h"
#include "services.h"

struct reloading {
  struct job job;
  struct reload reload;
};

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
  generations_reload(script_services(L)->generations, &r->reload);
  return script_wait(L, &r->job);
}

int luaopen_server(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"reload", l_server_reload},
    {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
