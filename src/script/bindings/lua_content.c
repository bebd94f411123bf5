#include "script/bindings/lua_content.h"

#include <lauxlib.h>

#include "script/bindings/lua_fields.h"
#include "script/engine/script.h"

static const char type_name[] = "content";

static int l_content_gc(lua_State *L) {
  struct content **content = luaL_checkudata(L, 1, type_name);
  content_release(*content);
  *content = NULL;
  return 0;
}

const struct content *lua_content_check(lua_State *L, int index) {
  struct content **content = luaL_checkudata(L, index, type_name);
  return *content;
}

const struct content *lua_content_in_force(lua_State *L) {
  script_push_content(L);
  const struct content *content = lua_content_check(L, -1);
  lua_pop(L, 1);
  return content;
}

/* Hands the texts of the list that is the field to add. */
static void each_text(lua_State *L, const char *field, struct content *content,
                      void (*add)(struct content *content, const char *text, size_t len)) {
  if (lua_getfield(L, 1, field) != LUA_TTABLE)
    lua_field_error(L, field, "a list of texts expected");
  for (lua_Integer i = 1; lua_geti(L, -1, i) != LUA_TNIL; i++) {
    size_t len;
    if (lua_type(L, -1) != LUA_TSTRING)
      lua_field_error(L, field, "a list of texts expected");
    const char *text = lua_tolstring(L, -1, &len);
    add(content, text, len);
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
}

static int l_content(lua_State *L) {
  static const char *const known[] = {"names", "prefixes", "longest", NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_fields_check(L, 1, known);
  int64_t longest = lua_field_integer(L, 1, "longest", 1024, 0, INT64_MAX);
  struct content **content = lua_newuserdatauv(L, sizeof *content, 0);
  *content = NULL;
  luaL_setmetatable(L, type_name);
  *content = content_new((size_t) longest);
  each_text(L, "names", *content, content_add_name);
  each_text(L, "prefixes", *content, content_add_prefix);
  return 1;
}

int luaopen_content(lua_State *L) {
  luaL_newmetatable(L, type_name);
  lua_pushcfunction(L, l_content_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushstring(L, type_name);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  lua_pushcfunction(L, l_content);
  return 1;
}
