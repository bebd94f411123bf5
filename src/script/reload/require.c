#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "script/commands.h"
#include "script/engine/sandbox.h"
#include "script/engine/state.h"
#include "script/reload/require.h"

static const char loaded_key, busy_key;

char *require_file(const char *name) {
  struct buf path = {0};
  buf_printf(&path, "lua/%s", name);
  for (char *dot; (dot = memchr(path.data, '.', path.len)) != NULL;)
    *dot = '/';
  buf_literal(&path, ".lua");
  buf_putc(&path, '\0');
  return path.data;
}

static const struct snapshot_file *find_file(const struct snapshot *snapshot, const char *name) {
  char *path = require_file(name);
  const struct snapshot_file *file = snapshot_find(snapshot, path);
  free(path);
  return file;
}

bool require_is_loaded(lua_State *L, const struct snapshot_file *file) {
  char name[PATH_MAX];
  int len = snprintf(name, sizeof name, "%.*s",
                     (int) (strlen(file->name) - strlen("lua/.lua")), file->name + 4);
  for (int i = 0; i < len; i++)
    if (name[i] == '/')
      name[i] = '.';
  int top = lua_gettop(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
  bool loaded = lua_istable(L, -1) && lua_getfield(L, -1, name) != LUA_TNIL;
  lua_settop(L, top);
  return loaded;
}

int require_compile(lua_State *L, const struct snapshot_file *file) {
  const char *chunk_name = lua_pushfstring(L, "@%s", file->name);
  size_t mark = utf8_mark(file->text, file->len);
  int status = luaL_loadbufferx(L, file->text + mark, file->len - mark, chunk_name, "t");
  if (status == LUA_ERRSYNTAX) {
    bool is_for = strstr(lua_tostring(L, -1), "near 'for'") != NULL; /* of a rule of alerts */
    lua_pushfstring(L, "%s; %sfix the syntax there or just above", lua_tostring(L, -1),
                    is_for ? "the key is written [\"for\"], else " : "");
    lua_remove(L, -2);
  }
  lua_remove(L, -2);
  return status;
}

void require_push_chunk(lua_State *L, const struct snapshot_file *file) {
  if (require_compile(L, file) != LUA_OK)
    lua_error(L);
  sandbox_push_env(L);
  lua_setupvalue(L, -2, 1);
}

static int refuse_module(lua_State *L, const char *name) {
  if (is_command_module(name))
    return luaL_error(L,
                      "module '%s' is for commands (lua/commands), which run in a "
                      "process of their own: "
                      "a route serves others and has neither files nor a terminal",
                      name);
  return luaL_error(L,
                    "module '%s' not found: the core has none of that name; fix the name or make "
                    "lua/%s.lua",
                    name, luaL_gsub(L, name, ".", "/"));
}

static void push_opener(lua_State *L, const char *name) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
  if (!lua_isnil(L, -1))
    return;
  lua_pop(L, 1);
  const struct snapshot_file *file = find_file(script_of(L)->snapshot, name);
  if (file != NULL)
    require_push_chunk(L, file);
  else
    refuse_module(L, name);
}

static int l_require(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
  lua_getfield(L, 2, name);
  if (lua_touserdata(L, 3) == &busy_key)
    return luaL_error(
        L,
        "module '%s' is required while it is being loaded: two files require each other",
        name);
  if (!lua_isnil(L, 3))
    return 1;
  lua_pop(L, 1);
  push_opener(L, name);

  lua_pushlightuserdata(L, (void *) &busy_key);
  lua_setfield(L, 2, name);
  lua_pushvalue(L, 1);
  int status = lua_pcall(L, 1, 1, 0);
  if (status == LUA_OK && lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, 1);
  }
  if (status == LUA_OK)
    lua_pushvalue(L, -1);
  else
    lua_pushnil(L);
  lua_setfield(L, 2, name);
  return status == LUA_OK ? 1 : lua_error(L);
}

void require_push(lua_State *L, const char *name) {
  lua_pushcfunction(L, l_require);
  lua_pushstring(L, name);
  lua_call(L, 1, 1);
}

void require_set(lua_State *L, const char *name) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key);
  lua_insert(L, -2);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

/* What a module of later() is asked for is kept, for the next time. */
static int l_later_index(lua_State *L) {
  require_push(L, lua_tostring(L, lua_upvalueindex(1)));
  lua_pushvalue(L, 2);
  lua_gettable(L, -2);
  if (lua_isfunction(L, -1)) {
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
  }
  return 1;
}

/* later(name): require(name), but where all files are as the program has them, which are known to
 * be right, it is loaded when something of it is first asked for. */
static int l_later(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  if (script_of(L)->snapshot->edited) {
    require_push(L, name);
    return 1;
  }
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, l_later_index, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}

void require_open(lua_State *L) {
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
  sandbox_push_env(L);
  lua_getmetatable(L, -1);
  lua_getfield(L, -1, "__index");
  lua_pushcfunction(L, l_require);
  lua_setfield(L, -2, "require");
  lua_pushcfunction(L, l_later);
  lua_setfield(L, -2, "later");
  lua_pop(L, 3);
}
