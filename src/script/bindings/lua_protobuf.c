#include <lauxlib.h>
#include <string.h>

#include "base/protobuf.h"
#include "script/bindings/bindings.h"
#include "script/engine/limits.h"
#include "script/engine/lua_json.h"
#include "script/engine/script.h"

static const char type_name[] = "protobuf.schema";

/* Messages inside each other; OTLP's own need eight, the rest is for nested values. */
enum { MAX_DEPTH = 64 };

static struct protobuf_schema *check_schema(lua_State *L) {
  return luaL_checkudata(L, 1, type_name);
}

/* protobuf.schema{Message = {field = {number, type, repeated = true}}} */

static const struct {
  const char *name;
  enum protobuf_type type;
} types[] = {
    {"string", PROTOBUF_STRING}, {"hex", PROTOBUF_HEX},           {"bool", PROTOBUF_BOOL},
    {"int", PROTOBUF_INT},       {"fixed64", PROTOBUF_INT_FIXED}, {"fixed32", PROTOBUF_INT_FIXED32},
    {"double", PROTOBUF_DOUBLE},
};

static enum protobuf_type type_of(const char *name) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, name) == 0)
      return types[i].type;
  return PROTOBUF_MESSAGE;
}

/* The stack: .., field's name, field's description. */
static void read_field(lua_State *L, struct protobuf_schema *schema) {
  if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1))
    luaL_error(L, "bad argument #1 (a field is name = {number, type})");
  lua_geti(L, -1, 1);
  lua_geti(L, -2, 2);
  lua_getfield(L, -3, "repeated");
  int is_number;
  lua_Integer number = lua_tointegerx(L, -3, &is_number);
  if (!is_number || number < 1 || number > 536870911 || lua_type(L, -2) != LUA_TSTRING)
    luaL_error(L, "bad argument #1 (field %s is {number, type})", lua_tostring(L, -5));
  const char *type = lua_tostring(L, -2);
  protobuf_add_field(schema, lua_tostring(L, -5), (uint32_t) number, type_of(type),
                     lua_toboolean(L, -1), type);
  lua_pop(L, 3);
}

static void read_message(lua_State *L, struct protobuf_schema *schema) {
  if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1))
    luaL_error(L, "bad argument #1 (a message is Name = {field = {number, type}})");
  protobuf_add_message(schema, lua_tostring(L, -2));
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    read_field(L, schema);
}

static int l_protobuf_schema(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  struct protobuf_schema *schema = lua_newuserdatauv(L, sizeof *schema, 0);
  memset(schema, 0, sizeof *schema);
  luaL_setmetatable(L, type_name);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
    read_message(L, schema);
  const char *missing = protobuf_resolve(schema);
  if (missing)
    return luaL_error(L, "bad argument #1 (%s is neither a type nor a message)", missing);
  return 1;
}

/* schema:decode(name, bytes) */

struct decoder {
  lua_State *L;
  int dropped;                       /* stack index of the counts by message name */
  const struct protobuf_field *skip; /* left out, or NULL */
};

static void count_dropped(struct decoder *d, const char *name) {
  lua_State *L = d->L;
  lua_getfield(L, d->dropped, name);
  lua_pushinteger(L, lua_tointeger(L, -1) + 1);
  lua_setfield(L, d->dropped, name);
  lua_pop(L, 1);
}

static void push_hex(lua_State *L, const char *data, size_t len) {
  static const char digits[] = "0123456789abcdef";
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, 2 * len);
  for (size_t i = 0; i < len; i++) {
    out[2 * i] = digits[(uint8_t) data[i] >> 4];
    out[2 * i + 1] = digits[data[i] & 15];
  }
  luaL_pushresultsize(&b, 2 * len);
}

static void push_number(lua_State *L, enum protobuf_type type, uint64_t bits) {
  double real;
  switch (type) {
  case PROTOBUF_BOOL:
    lua_pushboolean(L, bits != 0);
    break;
  case PROTOBUF_DOUBLE:
    memcpy(&real, &bits, sizeof real);
    lua_pushnumber(L, real);
    break;
  default:
    lua_pushinteger(L, (lua_Integer) bits);
  }
}

static bool push_message(struct decoder *d, const struct protobuf_message *m,
                         const char *data, size_t len, unsigned depth);

/* Pushes a value; false, and nothing pushed, for a message that is broken inside. */
static bool push_value(struct decoder *d, const struct protobuf_field *f,
                       const struct protobuf_value *v, unsigned depth) {
  switch (f->type) {
  case PROTOBUF_MESSAGE:
    return push_message(d, f->message, v->data, v->len, depth + 1);
  case PROTOBUF_STRING:
    lua_pushlstring(d->L, v->data, v->len);
    return true;
  case PROTOBUF_HEX:
    push_hex(d->L, v->data, v->len);
    return true;
  default:
    push_number(d->L, f->type, v->number);
    return true;
  }
}

/* Pushes the list of a repeated field of the message at the top. */
static void push_list(lua_State *L, const struct protobuf_field *f) {
  if (lua_getfield(L, -1, f->name) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, f->name);
}

static bool add_packed(lua_State *L, const struct protobuf_field *f,
                       const struct protobuf_value *v) {
  const char *p = v->data, *end = v->data + v->len;
  uint64_t number;
  lua_Integer n = (lua_Integer) lua_rawlen(L, -1);
  while (p < end) {
    if (!protobuf_read_packed(&p, end, protobuf_wire_of(f->type), &number))
      return false;
    push_number(L, f->type, number);
    lua_rawseti(L, -2, ++n);
  }
  return true;
}

static bool add_repeated(struct decoder *d, const struct protobuf_field *f,
                         const struct protobuf_value *v, unsigned depth) {
  lua_State *L = d->L;
  bool ok = true;
  push_list(L, f);
  if (v->wire != protobuf_wire_of(f->type))
    ok = add_packed(L, f, v);
  else if (push_value(d, f, v, depth))
    lua_rawseti(L, -2, (lua_Integer) lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
  return ok;
}

/* Pushes a table of the message's known fields.  A message inside it that is broken is
 * left out and counted; when this one is, nothing is pushed. */
static bool push_message(struct decoder *d, const struct protobuf_message *m,
                         const char *data, size_t len, unsigned depth) {
  lua_State *L = d->L;
  if (depth > MAX_DEPTH) {
    count_dropped(d, m->name);
    return false;
  }
  luaL_checkstack(L, 6, "message nested too deep");
  lua_createtable(L, 0, 2);
  for (const char *p = data, *end = data + len; p < end;) {
    struct protobuf_value v;
    const struct protobuf_field *f;
    limits_work(L, 4 + m->nfields / 4);
    if (!protobuf_read(&p, end, &v))
      goto broken;
    if ((f = protobuf_match(m, &v)) == NULL || f == d->skip)
      continue;
    if (f->repeated) {
      if (!add_repeated(d, f, &v, depth))
        goto broken;
    } else if (push_value(d, f, &v, depth)) {
      lua_setfield(L, -2, f->name);
    }
  }
  return true;

broken:
  lua_pop(L, 1);
  count_dropped(d, m->name);
  return false;
}

static int l_schema_decode(lua_State *L) {
  struct protobuf_schema *schema = check_schema(L);
  const struct protobuf_message *m = protobuf_find(schema, luaL_checkstring(L, 2));
  luaL_argcheck(L, m != NULL, 2, "no such message");
  size_t len;
  const char *data = lua_json_check_text(L, 3, &len);
  lua_newtable(L);
  struct decoder d = {.L = L, .dropped = lua_gettop(L)};
  if (!push_message(&d, m, data, len, 0)) {
    luaL_pushfail(L);
    lua_pushfstring(L, "not a %s", m->name);
    return 2;
  }
  lua_pushvalue(L, d.dropped);
  return 2;
}

/* schema:items(name, bytes, fields) */

enum { MAX_LEVELS = 4 };

/* Where an iterator stands: inside of depth messages, in each of them before the next field. */
struct items {
  size_t nlevels, depth, size; /* size: of all the bytes */
  const struct protobuf_message *messages[MAX_LEVELS];
  const struct protobuf_field *fields[MAX_LEVELS]; /* the repeated one to go into */
  size_t at[MAX_LEVELS], end[MAX_LEVELS];
};

/* The bytes at index: the request's body, without a copy, or a string. */
static const char *bytes_of(lua_State *L, int index, size_t *len) {
  struct buf *body = script_body(L, index);
  if (body == NULL)
    return luaL_checklstring(L, index, len);
  *len = body->len;
  return body->data != NULL ? body->data : "";
}

/* next() -> item, then the messages around it without their items, outermost first, each
 * only when it is another one than before. Upvalues: struct items, bytes, counts of what
 * was broken, the schema. */
static int l_items_next(lua_State *L) {
  size_t len;
  struct items *it = lua_touserdata(L, lua_upvalueindex(1));
  const char *bytes = bytes_of(L, lua_upvalueindex(2), &len);
  if (len != it->size)
    return luaL_error(
        L, "the request's body was handed to something else while its items were read");
  lua_settop(L, 0);
  lua_settop(L, (int) it->nlevels);
  lua_pushvalue(L, lua_upvalueindex(3));
  struct decoder d = {.L = L, .dropped = lua_gettop(L)};
  while (it->depth > 0) {
    size_t level = it->depth - 1;
    const char *p = bytes + it->at[level], *end = bytes + it->end[level];
    struct protobuf_value v;
    bool more = p < end;
    if (more && !protobuf_read(&p, end, &v)) {
      count_dropped(&d, it->messages[level]->name);
      more = false;
    }
    it->at[level] = (size_t) (p - bytes);
    if (!more) {
      it->depth--;
      continue;
    }
    const struct protobuf_field *f = it->fields[level];
    if (protobuf_match(it->messages[level], &v) != f)
      continue;
    bool is_item = it->depth == it->nlevels;
    d.skip = is_item ? NULL : it->fields[it->depth];
    bool whole = push_message(&d, f->message, v.data, v.len, 0);
    if (whole)
      lua_replace(L, is_item ? 1 : (int) level + 2);
    if (whole && is_item) {
      lua_settop(L, (int) it->nlevels);
      return (int) it->nlevels;
    }
    if (!is_item && whole) {
      it->at[it->depth] = (size_t) (v.data - bytes);
      it->end[it->depth] = it->at[it->depth] + v.len;
      it->depth++;
    }
  }
  return 0;
}

static void read_path(lua_State *L, struct items *it, const struct protobuf_message *m) {
  luaL_checktype(L, 4, LUA_TTABLE);
  it->nlevels = lua_rawlen(L, 4);
  luaL_argcheck(L, it->nlevels >= 1 && it->nlevels <= MAX_LEVELS, 4, "one to four fields expected");
  for (size_t i = 0; i < it->nlevels; i++) {
    lua_rawgeti(L, 4, (lua_Integer) i + 1);
    const char *name = luaL_checkstring(L, -1);
    const struct protobuf_field *f = m->fields, *last = m->fields + m->nfields;
    while (f < last && strcmp(f->name, name) != 0)
      f++;
    luaL_argcheck(L, f < last && f->repeated && f->type == PROTOBUF_MESSAGE, 4,
                  "no such list of messages");
    it->messages[i] = m;
    it->fields[i] = f;
    m = f->message;
    lua_pop(L, 1);
  }
}

static int l_schema_items(lua_State *L) {
  struct protobuf_schema *schema = check_schema(L);
  const struct protobuf_message *m = protobuf_find(schema, luaL_checkstring(L, 2));
  luaL_argcheck(L, m != NULL, 2, "no such message");
  lua_settop(L, 4);
  struct items *it = lua_newuserdatauv(L, sizeof *it, 0);
  memset(it, 0, sizeof *it);
  read_path(L, it, m);
  const char *bytes = bytes_of(L, 3, &it->size);
  it->end[0] = it->size;
  char why[PROTOBUF_WHY];
  if (!protobuf_check(bytes, it->size, m->name, why)) {
    luaL_pushfail(L);
    lua_pushstring(L, why);
    return 2;
  }
  it->depth = 1;
  lua_pushvalue(L, 3);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_insert(L, 5); /* the counts: the second result */
  lua_pushvalue(L, 1);
  lua_pushcclosure(L, l_items_next, 4);
  lua_insert(L, 5);
  lua_settop(L, 6);
  return 2;
}

static int l_schema_gc(lua_State *L) {
  protobuf_clear(check_schema(L));
  return 0;
}

int luaopen_protobuf(lua_State *L) {
  static const luaL_Reg functions[] = {{"schema", l_protobuf_schema}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"decode", l_schema_decode}, {"items", l_schema_items}, {NULL, NULL}};
  luaL_newmetatable(L, type_name);
  lua_pushcfunction(L, l_schema_gc);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, type_name);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
