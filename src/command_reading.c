#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/mem.h"
#include "command.h"
#include "loop/loop.h"
#include "record/schema.h"
#include "room_options.h"
#include "script/bindings/bindings.h"
#include "script/engine/standalone.h"
#include "script/services.h"
#include "store/storage.h"

/* The module storage of a command: the file that config.lua names, read by the same functions that
 * routes have, and never written. */

static const char type_name[] = "reading";

struct reading {
  struct loop loop;
  struct schema *schema;
  struct services services; /* storage among them */
  struct script *script;
  bool has_loop;
};

static int l_reading_close(lua_State *L) {
  struct reading *r = luaL_checkudata(L, 1, type_name);
  script_close_standalone(r->script);
  if (r->services.storage != NULL)
    storage_close(r->services.storage);
  if (r->schema != NULL)
    schema_free(r->schema);
  if (r->has_loop) {
    loop_close(&r->loop);
    uv_run(&r->loop.uv, UV_RUN_DEFAULT);
    loop_clear(&r->loop);
  }
  *r = (struct reading){0};
  return 0;
}

/* The registry has it, so that the end of the state closes it. */
static struct reading *push_reading(lua_State *L) {
  struct reading *r = lua_newuserdatauv(L, sizeof *r, 0);
  *r = (struct reading){0};
  luaL_newmetatable(L, type_name);
  lua_pushcfunction(L, l_reading_close);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, type_name);
  return r;
}

static int open_reading(struct reading *r, const struct config *config, struct buf *error) {
  struct storage_options options = storage_options_of(config, 1);
  options.read_only = true;
  options.readers = 1;
  if (!config->has_storage) {
    buf_literal(error, "storage.backend is \"none\"");
    return UV_ENOTSUP;
  }
  int rc = loop_init(&r->loop, 0);
  r->has_loop = rc == 0;
  if (rc == 0 && (r->schema = config_load_schema(config, error)) == NULL)
    rc = UV_EINVAL;
  if (rc == 0)
    rc = storage_open(&r->services.storage, r->schema, &options, NULL, error);
  r->services.schema = r->schema;
  r->services.loops = &r->loop;
  r->services.nloops = 1;
  return rc;
}

static int l_no_writing(lua_State *L) {
  return luaL_error(L, "a command reads the file: what it writes goes to the server, through "
                       "client, or through database");
}

/* The functions of routes, but for those that write or are about a server. */
static void push_functions(lua_State *L) {
  static const char *const reads[] = {"select", "count",   "get", "aggregate",
                                      "sql",    "columns", "file"};
  static const char *const writes[] = {"ingest", "insert", "append", "reset"};
  luaopen_storage(L);
  lua_newtable(L);
  for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
    lua_getfield(L, -2, reads[i]);
    lua_setfield(L, -2, reads[i]);
  }
  for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
    lua_pushcfunction(L, l_no_writing);
    lua_setfield(L, -2, writes[i]);
  }
}

int luaopen_reading(lua_State *L) {
  const struct config *config = command_config(L);
  struct reading *r = push_reading(L);
  struct buf error = {0};
  lua_State *main_state;
  int rc = open_reading(r, config, &error);
  if (rc < 0) {
    if (error.len == 0)
      buf_puts(&error, uv_strerror(rc));
    lua_pushlstring(L, error.data, error.len);
    buf_clear(&error);
    return lua_error(L);
  }
  buf_clear(&error);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  main_state = lua_tothread(L, -1);
  r->script = script_open_standalone(main_state, &r->loop, &r->services);
  push_functions(L);
  return 1;
}
