#include "script/engine/lua_json.h"

#include <lauxlib.h>
#include <lua-cjson.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "record/json.h"
#include "record/json_repair.h"
#include "script/engine/collect.h"
#include "script/engine/limits.h"
#include "script/engine/memory.h"
#include "script/engine/script.h"

enum {
  MAX_DEPTH = 64,
  MAX_BYTES = 256 << 20,
  DECODE_DEPTH = 64,
  STACK_ROOM = 8,
  SMALL_OBJECT = 16
};

/* How often the writer looks at the clock; a table may cost more than it has members, for
 * those that are gone. */
enum { LOOK_STEPS = 1000, TABLE_STEPS = 100, NS_PER_STEP = 10, ROOM = 1 << 20 };

/* Addresses that mark what is ours in the registry and on metatables. */
static const char array_key, object_key, fragment_key;

struct member {
  const char *name; /* anchored by the stack */
  size_t len;
  int value; /* where on the stack it stands */
};

struct writer {
  lua_State *L;
  struct buf *out;
  struct buf *error;
  struct buf members; /* struct member of the objects that are open, innermost last */
  int depth;
  unsigned steps; /* since it last looked at the clock */
  size_t room;    /* bytes of out that the state's memory has been asked for */
};

static bool write_value(struct writer *w, int index);

static bool writer_fail(struct writer *w, const char *what) {
  buf_puts(w->error, what);
  return false;
}

/* Innermost first: the path is put together while the recursion unwinds. */
static bool fail_in(struct writer *w, const char *name, size_t len) {
  buf_literal(w->error, " in ");
  buf_append(w->error, name, len);
  return false;
}

static bool has_mark(lua_State *L, int index, const void *key) {
  if (!lua_getmetatable(L, index))
    return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

static bool write_number(struct writer *w, int index) {
  if (lua_isinteger(w->L, index))
    buf_put_int(w->out, lua_tointeger(w->L, index));
  else
    json_write_double(w->out, lua_tonumber(w->L, index));
  return true;
}

static bool write_array(struct writer *w, int index) {
  size_t n = lua_rawlen(w->L, index);
  buf_putc(w->out, '[');
  for (size_t i = 1; i <= n; i++) {
    if (i > 1)
      buf_putc(w->out, ',');
    lua_rawgeti(w->L, index, (lua_Integer) i);
    bool ok = write_value(w, lua_gettop(w->L));
    lua_pop(w->L, 1);
    if (!ok)
      return fail_in(w, "a list", 6);
  }
  buf_putc(w->out, ']');
  return true;
}

static int compare_members(const void *a, const void *b) {
  const struct member *x = a, *y = b;
  int order = memcmp(x->name, y->name, x->len < y->len ? x->len : y->len);
  if (order != 0)
    return order;
  return (x->len > y->len) - (x->len < y->len);
}

/* Leaves the keys and values of the table on the stack, found through w->members. */
static bool collect_members(struct writer *w, int index) {
  lua_State *L = w->L;
  int top = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      return writer_fail(w, "an object with keys that are not strings has no JSON form");
    if (!lua_checkstack(L, STACK_ROOM))
      return writer_fail(w, "an object with so many members has no place on the stack");
    struct member m = {.value = top += 2};
    m.name = lua_tolstring(L, -2, &m.len);
    buf_append(&w->members, &m, sizeof m);
    lua_pushvalue(L, -2);
  }
  return true;
}

static void sort_members(struct member *members, size_t n) {
  if (n > SMALL_OBJECT) {
    qsort(members, n, sizeof *members, compare_members);
    return;
  }
  for (size_t i = 1; i < n; i++) {
    struct member m = members[i];
    size_t at = i;
    for (; at > 0 && compare_members(&m, &members[at - 1]) < 0; at--)
      members[at] = members[at - 1];
    members[at] = m;
  }
}

static bool write_members(struct writer *w, size_t first, size_t n) {
  if (n > 1)
    sort_members((struct member *) (w->members.data + first), n);
  for (size_t i = 0; i < n; i++) {
    struct member m = ((struct member *) (w->members.data + first))[i];
    if (i > 0)
      buf_putc(w->out, ',');
    json_write_string(w->out, m.name, m.len);
    buf_putc(w->out, ':');
    if (!write_value(w, m.value))
      return fail_in(w, m.name, m.len);
  }
  return true;
}

static bool write_object(struct writer *w, int index) {
  size_t first = w->members.len;
  buf_putc(w->out, '{');
  bool ok = collect_members(w, index) &&
            write_members(w, first, (w->members.len - first) / sizeof(struct member));
  w->members.len = first;
  buf_putc(w->out, '}');
  return ok;
}

/* A table without marks whose keys are exactly 1..n. */
static bool is_list(lua_State *L, int index) {
  size_t n = lua_rawlen(L, index), keys = 0;
  if (n == 0)
    return false;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    if (!lua_isinteger(L, -1) || ++keys > n) {
      lua_pop(L, 1);
      return false;
    }
  }
  return keys == n;
}

static bool write_table(struct writer *w, int index) {
  w->steps += TABLE_STEPS;
  if (w->depth == MAX_DEPTH)
    return writer_fail(w, "nested too deep, perhaps a cycle,");
  if (!lua_checkstack(w->L, STACK_ROOM))
    return writer_fail(w, "no room on the stack");
  w->depth++;
  int top = lua_gettop(w->L);
  bool array = has_mark(w->L, index, &array_key) ||
               (!has_mark(w->L, index, &object_key) && is_list(w->L, index));
  bool ok = array ? write_array(w, index) : write_object(w, index);
  lua_settop(w->L, top);
  w->depth--;
  return ok;
}

static bool write_other(struct writer *w, int index) {
  int type = lua_type(w->L, index);
  struct buf *fragment = lua_json_fragment(w->L, index);
  if (fragment != NULL) {
    buf_append(w->out, fragment->data, fragment->len);
    return true;
  }
  if (type == LUA_TLIGHTUSERDATA && lua_touserdata(w->L, index) == NULL) {
    buf_literal(w->out, "null");
    return true;
  }
  buf_printf(w->error, "a %s has no JSON form", lua_typename(w->L, type));
  return false;
}

/* What a table of shared tables becomes may be 2^60 times its size. */
static bool may_go_on(struct writer *w) {
  if (!limits_spend(w->L, (size_t) w->steps * NS_PER_STEP))
    return writer_fail(w, "the script's time is up");
  w->steps = 0;
  if (w->out->len <= w->room)
    return true;
  w->room = w->out->len + ROOM;
  return memory_make_room(w->L, w->room) || writer_fail(w, "too large for script.memory_bytes");
}

static bool write_value(struct writer *w, int index) {
  lua_State *L = w->L;
  if (w->out->len > MAX_BYTES)
    return writer_fail(w, "too large");
  if ((++w->steps > LOOK_STEPS || w->out->len > w->room) && !may_go_on(w))
    return false;
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    buf_literal(w->out, "null");
    return true;
  case LUA_TBOOLEAN:
    buf_puts(w->out, lua_toboolean(L, index) ? "true" : "false");
    return true;
  case LUA_TNUMBER:
    return write_number(w, index);
  case LUA_TSTRING: {
    size_t len;
    const char *s = lua_tolstring(L, index, &len);
    json_write_string(w->out, s, len);
    return true;
  }
  case LUA_TTABLE:
    return write_table(w, index);
  default:
    return write_other(w, index);
  }
}

/* What it becomes may be refused; nothing here raises. */
static bool write_with_room(struct writer *w, int index) {
  jmp_buf refused;
  int top = lua_gettop(w->L);
  if (setjmp(refused) != 0) {
    buf_refused = NULL;
    lua_settop(w->L, top);
    return writer_fail(w, "there is no memory for it, try again");
  }
  buf_refused = &refused;
  bool ok = write_value(w, index);
  buf_refused = NULL;
  return ok;
}

bool lua_json_write(lua_State *L, int index, struct buf *out, struct buf *error) {
  struct writer w = {.L = L, .out = out, .error = error, .room = out->len + ROOM};
  bool ok = write_with_room(&w, lua_absindex(L, index));
  buf_clear(&w.members);
  return ok;
}

/* Its bytes; those of a copy count as the state's memory. */
struct fragment {
  struct buf buf;
  size_t charged;
  bool compact;
};

struct buf *lua_json_push_fragment(lua_State *L) {
  struct fragment *f = lua_newuserdatauv(L, sizeof *f, 0);
  *f = (struct fragment){0};
  lua_rawgetp(L, LUA_REGISTRYINDEX, &fragment_key);
  lua_setmetatable(L, -2);
  return &f->buf;
}

struct buf *lua_json_push_copy(lua_State *L, const char *text, size_t len) {
  struct fragment *f = container_of(lua_json_push_fragment(L), struct fragment, buf);
  memory_charge(L, len);
  f->charged = len;
  memory_append(L, &f->buf, text, len);
  return &f->buf;
}

struct buf lua_json_take(lua_State *L, struct buf *fragment) {
  struct fragment *f = container_of(fragment, struct fragment, buf);
  memory_discharge(L, f->charged);
  f->charged = 0;
  return buf_take(&f->buf);
}

struct buf *lua_json_push_taken(lua_State *L, struct buf *bytes) {
  struct buf *b = lua_json_push_fragment(L);
  *b = buf_take(bytes);
  collect_note_external(script_of(L), b->cap);
  return b;
}

struct buf *lua_json_fragment(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || !has_mark(L, lua_absindex(L, index), &fragment_key))
    return NULL;
  return lua_touserdata(L, index);
}

void lua_json_mark_compact(struct buf *fragment) {
  container_of(fragment, struct fragment, buf)->compact = true;
}

bool lua_json_is_compact(const struct buf *fragment) {
  return container_of(fragment, struct fragment, buf)->compact;
}

void lua_json_mark_array(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
  lua_setmetatable(L, -2);
}

const char *lua_json_check_text(lua_State *L, int index, size_t *len) {
  if (lua_type(L, index) == LUA_TUSERDATA &&
      luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
    lua_pop(L, 1);
    return luaL_tolstring(L, index, len);
  }
  const char *s = luaL_checklstring(L, index, len);
  lua_pushvalue(L, index);
  return s;
}

/* The two buffers stand in fragments, so that whatever raises leaks nothing. */
static int l_json_encode(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  struct buf *out = lua_json_push_fragment(L), *error = lua_json_push_fragment(L);
  if (!lua_json_write(L, 1, out, error)) {
    lua_pushlstring(L, error->data, error->len);
    return luaL_argerror(L, 1, lua_tostring(L, -1));
  }
  lua_pushlstring(L, out->data, out->len);
  buf_clear(out);
  return 1;
}

/* Everything is decoded as the native records are: repaired first, where that is needed. */
static int l_json_decode(lua_State *L) {
  size_t len;
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  const char *text = lua_json_check_text(L, 1, &len);
  if (memchr(text, '\0', len) != NULL) { /* cjson takes it for the end */
    lua_pushnil(L);
    lua_pushliteral(L, "a NUL byte is no JSON");
    return 2;
  }
  struct buf *repaired = lua_json_push_fragment(L);
  if (json_repair(text, len, repaired)) {
    lua_pushlstring(L, repaired->data, repaired->len);
    lua_replace(L, -3);
    buf_clear(repaired);
  }
  lua_pop(L, 1);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK)
    return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

static int mark(lua_State *L, const void *key) {
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  if (!has_mark(L, 1, &array_key) && !has_mark(L, 1, &object_key) &&
      luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_argerror(L, 1, "the table is read-only");
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
  lua_setmetatable(L, 1);
  return 1;
}

static int l_json_array(lua_State *L) {
  return mark(L, &array_key);
}

static int l_json_object(lua_State *L) {
  return mark(L, &object_key);
}

static int l_json_fragment(lua_State *L) {
  size_t len;
  lua_settop(L, 1);
  const char *text = lua_json_check_text(L, 1, &len);
  lua_json_push_copy(L, text, len);
  return 1;
}

static int l_fragment_tostring(lua_State *L) {
  struct buf *b = lua_touserdata(L, 1);
  lua_pushlstring(L, b->data, b->len);
  return 1;
}

static int l_fragment_len(lua_State *L) {
  struct buf *b = lua_touserdata(L, 1);
  lua_pushinteger(L, (lua_Integer) b->len);
  return 1;
}

static int l_fragment_gc(lua_State *L) {
  struct buf bytes = lua_json_take(L, lua_touserdata(L, 1));
  buf_clear(&bytes);
  return 0;
}

/* __metatable keeps scripts from calling the metamethods with something else. */
static void new_mark(lua_State *L, const void *key, const char *name) {
  lua_newtable(L);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

static void open_marks(lua_State *L) {
  static const luaL_Reg fragment[] = {
    {"__tostring", l_fragment_tostring},
    {"__len", l_fragment_len},
    {"__gc", l_fragment_gc},
    {NULL, NULL},
  };
  new_mark(L, &array_key, "json.array");
  new_mark(L, &object_key, "json.object");
  new_mark(L, &fragment_key, "json.fragment");
  luaL_setfuncs(L, fragment, 0);
  lua_pop(L, 3);
}

/* Pushes the decode function of a cjson of our own, with limits. */
static void push_decoder(lua_State *L) {
  luaL_requiref(L, "cjson", luaopen_cjson, 0);
  lua_getfield(L, -1, "new");
  lua_call(L, 0, 1);
  lua_getfield(L, -1, "decode_invalid_numbers");
  lua_pushboolean(L, false);
  lua_call(L, 1, 0);
  lua_getfield(L, -1, "decode_max_depth");
  lua_pushinteger(L, DECODE_DEPTH);
  lua_call(L, 1, 0);
  lua_getfield(L, -1, "decode");
  lua_replace(L, -3);
  lua_pop(L, 1);
}

int luaopen_json(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"encode", l_json_encode},
    {"array", l_json_array},
    {"object", l_json_object},
    {"fragment", l_json_fragment},
    {"items", lua_json_items},
    {"values", lua_json_values},
    {NULL, NULL},
  };
  open_marks(L);
  luaL_newlib(L, functions);
  push_decoder(L);
  lua_pushcclosure(L, l_json_decode, 1);
  lua_setfield(L, -2, "decode");
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  return 1;
}
