#include <lauxlib.h>

#include "script/engine/limits.h"
#include "script/engine/sandbox.h"

/* Functions that stand in for those of Lua's library that may run for years inside C,
 * where no hook looks: over the 2^60 elements that a __len tells of, comparing texts of
 * megabytes, or in a handler of xpcall, which Lua calls with its hooks off when a hook
 * has raised. */

enum { STEPS_PER_ITEM = 4, BYTES_PER_STEP = 64 };

/* Upvalue 1 is the library's own function. */
static int call_original(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int l_handle_error(lua_State *L) {
  lua_settop(L, 1);
  if (limits_are_over(L))
    return 1;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int on_xpcall_done(lua_State *L, int status, lua_KContext context) {
  (void) status, (void) context;
  return lua_gettop(L);
}

static int l_xpcall(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, l_handle_error, 1);
  lua_replace(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, on_xpcall_done);
  return lua_gettop(L);
}

/* What is not empty ends where the memory does. */
static int l_rep(lua_State *L) {
  size_t len, separator_len;
  luaL_checklstring(L, 1, &len);
  luaL_checkinteger(L, 2);
  luaL_optlstring(L, 3, "", &separator_len);
  if (len + separator_len > 0)
    return call_original(L);
  lua_pushliteral(L, "");
  return 1;
}

/* A table, or what behaves like one: it has these metamethods. */
static void check_table(lua_State *L, int index, const char *const *metamethods) {
  bool like = true;
  if (lua_istable(L, index))
    return;
  for (; *metamethods != NULL && like; metamethods++) {
    like = luaL_getmetafield(L, index, *metamethods) != LUA_TNIL;
    lua_pop(L, like);
  }
  if (!like)
    luaL_checktype(L, index, LUA_TTABLE);
}

static const char *const reads[] = {"__index", NULL}, *const writes[] = {"__newindex", NULL};
static const char *const has_size[] = {"__index", "__len", NULL};
static const char *const changes_size[] = {"__index", "__newindex", "__len", NULL};

/* Copies n elements, one after the other from first on; by is 1 or, downwards, -1. */
static void copy(lua_State *L, lua_Integer first, lua_Integer n, int target,
                 lua_Integer to, int by) {
  for (lua_Integer i = 0; i < n; i++) {
    lua_geti(L, 1, first + i * by);
    lua_seti(L, target, to + i * by);
    limits_work(L, STEPS_PER_ITEM);
  }
}

static int l_insert(lua_State *L) {
  check_table(L, 1, changes_size);
  lua_Integer end = (lua_Integer) ((lua_Unsigned) luaL_len(L, 1) + 1), at = end;
  int given = lua_gettop(L);
  if (given != 2 && given != 3)
    return luaL_error(L, "wrong number of arguments to 'insert'");
  if (given == 3) {
    at = luaL_checkinteger(L, 2);
    luaL_argcheck(L, (lua_Unsigned) at - 1 < (lua_Unsigned) end, 2, "position out of bounds");
    copy(L, end - 1, end - at, 1, end, -1);
  }
  lua_seti(L, 1, at);
  return 0;
}

static int l_remove(lua_State *L) {
  check_table(L, 1, changes_size);
  lua_Integer size = luaL_len(L, 1), at = luaL_optinteger(L, 2, size);
  luaL_argcheck(L, at == size || (lua_Unsigned) at - 1 <= (lua_Unsigned) size, 2,
                "position out of bounds");
  lua_geti(L, 1, at);
  if (at < size) {
    copy(L, at + 1, size - at, 1, at, 1);
    at = size;
  }
  lua_pushnil(L);
  lua_seti(L, 1, at);
  return 1;
}

static int l_move(lua_State *L) {
  lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3),
              to = luaL_checkinteger(L, 4);
  int target = lua_isnoneornil(L, 5) ? 1 : 5;
  check_table(L, 1, reads);
  check_table(L, target, writes);
  if (last >= first) {
    luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
    lua_Integer n = last - first + 1;
    luaL_argcheck(L, to <= LUA_MAXINTEGER - n + 1, 4, "destination wrap around");
    bool overlaps = to > first && to <= last &&
                    (target == 1 || lua_compare(L, 1, target, LUA_OPEQ));
    if (overlaps)
      copy(L, last, n, target, to + n - 1, -1);
    else
      copy(L, first, n, target, to, 1);
  }
  lua_pushvalue(L, target);
  return 1;
}

static void add_item(lua_State *L, luaL_Buffer *b, lua_Integer i) {
  size_t len;
  lua_geti(L, 1, i);
  if (!lua_isstring(L, -1))
    luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1),
               (LUAI_UACINT) i);
  lua_tolstring(L, -1, &len);
  luaL_addvalue(b);
  limits_work(L, STEPS_PER_ITEM + len / BYTES_PER_STEP);
}

static int l_concat(lua_State *L) {
  size_t separator_len;
  luaL_Buffer b;
  check_table(L, 1, has_size);
  lua_Integer size = luaL_len(L, 1);
  const char *separator = luaL_optlstring(L, 2, "", &separator_len);
  lua_Integer i = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, size);
  luaL_buffinit(L, &b);
  for (; i < last; i++) {
    add_item(L, &b, i);
    luaL_addlstring(&b, separator, separator_len);
  }
  if (i == last)
    add_item(L, &b, i);
  luaL_pushresult(&b);
  return 1;
}

static int l_less(lua_State *L) {
  size_t len = lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;
  limits_work(L, STEPS_PER_ITEM + len / BYTES_PER_STEP);
  lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPLT));
  return 1;
}

static int l_compare(lua_State *L) {
  limits_work(L, STEPS_PER_ITEM);
  return call_original(L);
}

/* In a comparator that is Lua, or missing, or C, something has to look at the clock. */
static int l_sort(lua_State *L) {
  check_table(L, 1, changes_size);
  bool compares = !lua_isnoneornil(L, 2);
  if (compares)
    luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  if (!compares)
    lua_pushcfunction(L, l_less);
  else if (lua_iscfunction(L, 2))
    lua_pushcclosure(L, l_compare, 1);
  if (lua_gettop(L) == 3)
    lua_replace(L, 2);
  return call_original(L);
}

/* Puts f in the place of the field of the table at the top, which it has as its upvalue. */
static void stand_in(lua_State *L, const char *field, lua_CFunction f) {
  lua_getfield(L, -1, field);
  lua_pushcclosure(L, f, 1);
  lua_setfield(L, -2, field);
}

void bounded_open_base(lua_State *L) {
  stand_in(L, "xpcall", l_xpcall);
}

void bounded_open_string(lua_State *L) {
  stand_in(L, "rep", l_rep);
}

void bounded_open_table(lua_State *L) {
  static const luaL_Reg own[] = {{"insert", l_insert},
                                 {"remove", l_remove},
                                 {"move", l_move},
                                 {"concat", l_concat},
                                 {NULL, NULL}};
  luaL_setfuncs(L, own, 0);
  stand_in(L, "sort", l_sort);
}
