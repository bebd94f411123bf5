#include <lauxlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "script/bindings/bindings.h"
#include "script/kv.h"
#include "script/notes.h"
#include "script/engine/lua_json.h"
#include "script/engine/script.h"
#include "script/services.h"

static struct kv *kv_of(lua_State *L) {
  return script_services(L)->kv;
}

static void push_value(lua_State *L, const struct kv_value *value) {
  switch (value->type) {
  case KV_NONE:
    lua_pushnil(L);
    break;
  case KV_BOOLEAN:
    lua_pushboolean(L, value->boolean);
    break;
  case KV_INTEGER:
    lua_pushinteger(L, value->integer);
    break;
  case KV_REAL:
    lua_pushnumber(L, value->real);
    break;
  case KV_TEXT:
    lua_pushlstring(L, value->text.data, value->text.len);
    break;
  }
}

/* A text is borrowed from the stack. */
static struct kv_value check_value(lua_State *L, int index) {
  struct kv_value value = {0};
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    break;
  case LUA_TBOOLEAN:
    value.type = KV_BOOLEAN;
    value.boolean = lua_toboolean(L, index);
    break;
  case LUA_TNUMBER:
    value.type = lua_isinteger(L, index) ? KV_INTEGER : KV_REAL;
    value.integer = lua_tointeger(L, index);
    value.real = lua_tonumber(L, index);
    break;
  case LUA_TSTRING:
    value.type = KV_TEXT;
    value.text.data = (char *) lua_tolstring(L, index, &value.text.len);
    break;
  default:
    luaL_typeerror(L, index, "nil, boolean, number or string");
  }
  return value;
}

/* Milliseconds from the seconds at index; 0: none. */
static int64_t check_ttl(lua_State *L, int index) {
  double seconds = luaL_optnumber(L, index, 0);
  luaL_argcheck(L, seconds >= 0 && seconds < 1e9, index, "seconds to live expected");
  return (int64_t) (seconds * 1000);
}

static int push_failure(lua_State *L, int rc) {
  lua_pushnil(L);
  lua_pushstring(L, rc == UV_ENOSPC ? "kv is full" : "the value is not a number");
  return 2;
}

/* The copy of a text stands in a fragment, because pushing it may raise. */
static int l_kv_get(lua_State *L) {
  size_t len;
  const char *key = luaL_checklstring(L, 1, &len);
  struct buf *text = lua_json_push_fragment(L);
  struct kv_value value = {.text = *text};
  kv_get(kv_of(L), key, len, &value);
  *text = value.text;
  push_value(L, &value);
  return 1;
}

static int l_kv_set(lua_State *L) {
  size_t len;
  const char *key = luaL_checklstring(L, 1, &len);
  luaL_checkany(L, 2);
  struct kv_value value = check_value(L, 2);
  int rc = kv_set(kv_of(L), key, len, &value, check_ttl(L, 3));
  if (rc < 0)
    return push_failure(L, rc);
  lua_pushboolean(L, true);
  return 1;
}

static int l_kv_incr(lua_State *L) {
  size_t len;
  const char *key = luaL_checklstring(L, 1, &len);
  struct kv_value by = {.type = KV_INTEGER, .integer = 1}, sum;
  if (!lua_isnoneornil(L, 2)) {
    luaL_checktype(L, 2, LUA_TNUMBER);
    by = check_value(L, 2);
  }
  int rc = kv_incr(kv_of(L), key, len, &by, check_ttl(L, 3), &sum);
  if (rc < 0)
    return push_failure(L, rc);
  push_value(L, &sum);
  return 1;
}

/* The texts from index on up to a nil, joined; 0 where they are too long. */
static size_t join_key(lua_State *L, int index, char out[MAX_NOTE]) {
  size_t n = 0, len;
  for (; !lua_isnoneornil(L, index); index++) {
    const char *part = luaL_checklstring(L, index, &len);
    if (len + 1 > MAX_NOTE - n)
      return 0;
    memcpy(out + n, part, len);
    n += len;
    out[n++] = '\n';
  }
  return n;
}

/* note(seconds, text, key..) */
static int l_kv_note(lua_State *L) {
  char key[MAX_NOTE];
  size_t len, n = join_key(L, 3, key);
  const char *text = luaL_checklstring(L, 2, &len);
  int64_t until_us = clock_now_us() + check_ttl(L, 1) * 1000;
  lua_pushboolean(L, notes_put(script_services(L)->notes, key, n, text, len, until_us) == 0);
  return 1;
}

/* recall(key..) */
static int l_kv_recall(lua_State *L) {
  char key[MAX_NOTE], text[MAX_NOTE];
  size_t n = join_key(L, 1, key);
  int len = notes_get(script_services(L)->notes, key, n, text);
  if (len >= 0)
    lua_pushlstring(L, text, (size_t) len);
  else
    lua_pushnil(L);
  return 1;
}

static int l_kv_forget(lua_State *L) {
  notes_clear(script_services(L)->notes);
  return 0;
}

int luaopen_kv(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"get", l_kv_get},
    {"set", l_kv_set},
    {"incr", l_kv_incr},
    {"note", l_kv_note},
    {"recall", l_kv_recall},
    {"forget", l_kv_forget},
    {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
