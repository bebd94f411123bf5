#include "import/converter.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <uv.h>

#include "base/mem.h"
#include "script/bindings/bindings.h"
#include "script/engine/lua_json.h"

struct converter {
  lua_State *L; /* import at index 1 */
};

/* The file that pricing.file names: (path) -> text, or nil and why. */
static const char price_file[] = "local path = ...\n"
                                 "return { read = function()\n"
                                 "  if path == '' then return nil end\n"
                                 "  local file, why = io.open(path, 'rb')\n"
                                 "  if not file then return nil, why end\n"
                                 "  local text = file:read('a')\n"
                                 "  file:close()\n"
                                 "  return text\n"
                                 "end }\n";

static void set_loaded(lua_State *L, const char *name) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_insert(L, -2);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

static void load_config(lua_State *L, const struct config *config) {
  struct buf errors = {0};
  if (luaL_loadfile(L, config->file) != LUA_OK || lua_pcall(L, 0, 1, 0) != LUA_OK)
    lua_error(L);
  config_free(config_read(L, config->file, NULL, &errors));
  buf_clear(&errors);
  set_loaded(L, "config");
}

static void load_price_file(lua_State *L, const struct config *config) {
  if (luaL_loadbufferx(L, price_file, sizeof price_file - 1, "=price_file", "t") != LUA_OK)
    lua_error(L);
  if (config->price_file[0] == '\0' || config->price_file[0] == '/')
    lua_pushstring(L, config->price_file);
  else
    lua_pushfstring(L, "%s/%s", config->root, config->price_file);
  lua_call(L, 1, 1);
  set_loaded(L, "price_file");
}

static int l_open(lua_State *L) {
  const struct config *config = lua_touserdata(L, 1);
  luaL_openlibs(L);
  lua_getglobal(L, "package");
  lua_pushfstring(L, "%s/lua/?.lua", config->root);
  lua_setfield(L, -2, "path");
  luaL_requiref(L, "json", luaopen_json, 0);
  luaL_requiref(L, "log", luaopen_log, 0);
  load_config(L, config);
  load_price_file(L, config);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "ingest.import");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "start");
  lua_pushvalue(L, 2);
  lua_call(L, 1, 0);
  return 1;
}

struct converter *converter_new(const struct config *config, const char *format, struct buf *error) {
  lua_State *L = luaL_newstate();
  lua_pushcfunction(L, l_open);
  lua_pushlightuserdata(L, (void *) config);
  lua_pushstring(L, format);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
    buf_puts(error, lua_tostring(L, -1));
    lua_close(L);
    return NULL;
  }
  struct converter *c = xcalloc(1, sizeof *c);
  c->L = L;
  return c;
}

/* Calls import[name](argument) for nresults results. */
static int call(struct converter *c, const char *name, const char *argument, size_t len, int nresults,
                struct buf *error) {
  lua_State *L = c->L;
  lua_settop(L, 1);
  lua_getfield(L, 1, name);
  lua_pushlstring(L, argument, len);
  if (lua_pcall(L, 1, nresults, 0) == LUA_OK)
    return 0;
  buf_puts(error, lua_tostring(L, -1));
  return UV_EINVAL;
}

static void take_text(lua_State *L, struct buf *out) {
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  if (text != NULL)
    buf_append(out, text, len);
  lua_settop(L, 1);
}

int converter_open(struct converter *c, const char *name, struct buf *error) {
  return call(c, "open", name, strlen(name), 0, error);
}

int converter_feed(struct converter *c, const char *piece, size_t len, struct buf *out, struct buf *error) {
  int rc = call(c, "feed", piece, len, 1, error);
  if (rc == 0)
    take_text(c->L, out);
  return rc;
}

int converter_close(struct converter *c, struct buf *out, struct buf *error) {
  int rc = call(c, "close", "", 0, 1, error);
  if (rc == 0)
    take_text(c->L, out);
  return rc;
}

int converter_finish(struct converter *c, struct buf *out, struct buf *error) {
  int rc = call(c, "finish", "", 0, 1, error);
  if (rc == 0)
    take_text(c->L, out);
  return rc;
}

uint64_t converter_rejected(struct converter *c, struct buf *complaints) {
  lua_State *L = c->L;
  if (call(c, "rejected", "", 0, 2, complaints) < 0)
    return 0;
  uint64_t rejected = (uint64_t) lua_tointeger(L, -2);
  take_text(L, complaints);
  return rejected;
}

void converter_free(struct converter *c) {
  if (c == NULL)
    return;
  lua_close(c->L);
  free(c);
}
