/* What a user's config.lua leaves out, and the list of routes. */
#include "config_shipped.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/assets.h"
#include "base/mem.h"

/* Pushes the table of the config.lua in the program, which needs no globals. */
static void push_shipped(lua_State *L) {
  const struct asset *asset = assets_find("config.lua");
  if (luaL_loadbufferx(L, asset->data, asset->len, "@config.lua", "t") != LUA_OK)
    lua_error(L);
  lua_newtable(L);
  lua_setupvalue(L, -2, 1);
  lua_call(L, 0, 1);
}

static const char shared_key;

/* One for all who only read it, so that it is compiled once; until config_read_routes. */
static void push_shared(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &shared_key) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  push_shipped(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &shared_key);
}

static void push_routes_of(lua_State *L, void push(lua_State *L)) {
  push(L);
  lua_getfield(L, -1, "routes");
  lua_remove(L, -2);
}

/* The table at the top gets what only the one at index has; so do tables that both have
 * under a name. */
static void fill_table(lua_State *L, int index) {
  int top = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, index); lua_settop(L, top + 1)) {
    if (lua_type(L, top + 1) != LUA_TSTRING)
      continue;
    lua_pushvalue(L, top + 1);
    int type = lua_rawget(L, top);
    if (type == LUA_TNIL) {
      lua_pushvalue(L, top + 1);
      lua_pushvalue(L, top + 2);
      lua_rawset(L, top);
    } else if (type == LUA_TTABLE && lua_istable(L, top + 2)) {
      fill_table(L, top + 2);
    }
  }
}

void config_fill(lua_State *L) {
  push_shared(L);
  lua_insert(L, -2);
  fill_table(L, lua_gettop(L) - 1);
  lua_remove(L, -2);
}

/* Whether entry i of the list at index has that method and path. */
static bool is_entry(lua_State *L, int index, lua_Integer i, const char *method, const char *path) {
  int top = lua_gettop(L);
  bool same = lua_rawgeti(L, index, i) == LUA_TTABLE && lua_rawgeti(L, -1, 1) == LUA_TSTRING &&
              strcmp(lua_tostring(L, -1), method) == 0 && lua_rawgeti(L, -2, 2) == LUA_TSTRING &&
              strcmp(lua_tostring(L, -1), path) == 0;
  lua_settop(L, top);
  return same;
}

static bool has_entry(lua_State *L, int index, lua_Integer count, const char *method,
                      const char *path) {
  lua_Integer i = 1;
  while (i <= count && !is_entry(L, index, i, method, path))
    i++;
  return i <= count;
}

/* defaults(own): own, and behind it those of the shipped list that own has none for. */
static int l_defaults(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer own = luaL_len(L, 1), n = 0;
  lua_settop(L, 1);
  push_routes_of(L, push_shipped); /* 2; the user's own to change */
  lua_newtable(L); /* 3 */
  for (lua_Integer i = 1; i <= own; i++) {
    lua_geti(L, 1, i);
    lua_rawseti(L, 3, ++n);
  }
  for (lua_Integer i = 1; lua_rawgeti(L, 2, i) == LUA_TTABLE; i++) {
    lua_rawgeti(L, 4, 1);
    lua_rawgeti(L, 4, 2);
    bool taken = has_entry(L, 3, own, lua_tostring(L, 5), lua_tostring(L, 6));
    lua_settop(L, 4);
    if (taken)
      lua_pop(L, 1);
    else
      lua_rawseti(L, 3, ++n);
  }
  lua_settop(L, 3);
  return 1;
}

void config_push_env(lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, l_defaults);
  lua_setfield(L, -2, "defaults");
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__newindex");
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

static char *entry_text(lua_State *L, int i) {
  lua_rawgeti(L, -1, i);
  char *text = lua_type(L, -1) == LUA_TSTRING ? xstrdup(lua_tostring(L, -1)) : NULL;
  lua_pop(L, 1);
  return text;
}

static void read_list(struct config *config, lua_State *L, struct buf *errors) {
  size_t count = lua_rawlen(L, -1);
  config->routes = xcalloc(count + 1, sizeof *config->routes);
  for (size_t i = 0; i < count; i++, lua_pop(L, 1)) {
    struct config_route *entry = &config->routes[config->nroutes];
    lua_rawgeti(L, -1, (lua_Integer) i + 1);
    if (lua_istable(L, -1))
      *entry = (struct config_route){entry_text(L, 1), entry_text(L, 2), entry_text(L, 3)};
    config->nroutes++;
    if (entry->method == NULL || entry->path == NULL || entry->module == NULL)
      buf_printf(
          errors,
          "config.lua: routes[%zu]: expected { \"GET\", \"/path\", \"routes.file\" }\n",
          i + 1);
  }
}

/* The list is at the top of the stack, the shipped one below it. */
static void note_lacking(struct config *config, lua_State *L) {
  int own = lua_gettop(L), shipped = own - 1;
  lua_Integer count = (lua_Integer) lua_rawlen(L, own);
  struct buf lacking = {0};
  for (lua_Integer i = 1; lua_rawgeti(L, shipped, i) == LUA_TTABLE; i++, lua_settop(L, own)) {
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    const char *method = lua_tostring(L, -2), *path = lua_tostring(L, -1);
    if (!has_entry(L, own, count, method, path))
      buf_printf(&lacking, "%s%s %s", lacking.len > 0 ? ", " : "", method, path);
  }
  lua_settop(L, own);
  if (lacking.len > 0)
    buf_putc(&lacking, '\0');
  config->lacking = lacking.data;
}

void config_read_routes(struct config *config, lua_State *L, struct buf *errors) {
  int table = lua_gettop(L);
  push_routes_of(L, push_shared);
  lua_getfield(L, table, "routes");
  read_list(config, L, errors);
  note_lacking(config, L);
  lua_settop(L, table);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &shared_key);
}

void config_free_routes(struct config *config) {
  for (size_t i = 0; i < config->nroutes; i++) {
    free(config->routes[i].method);
    free(config->routes[i].path);
    free(config->routes[i].module);
  }
  free(config->routes);
  free(config->lacking);
}
