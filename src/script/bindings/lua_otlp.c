#include <lauxlib.h>
#include <string.h>

#include "base/utf8.h"
#include "record/json.h"
#include "record/otlp.h"
#include "script/bindings/bindings.h"
#include "script/bindings/lua_content.h"
#include "script/engine/limits.h"
#include "script/engine/lua_json.h"
#include "script/engine/script.h"

static const char reader_type[] = "otlp.reader", names_type[] = "otlp.names";

/* Lists and maps inside each other, in values that Lua asks for. */
enum { MAX_DEPTH = 16 };

struct reader {
  struct otlp_reader otlp;
  const struct content *content; /* kept by the user value */
  const struct names *names;     /* whose numbers the item's attributes have */
};

/* Whose numbers the attributes of a new item have. */
static const struct names nobody;

/* Methods and members have the metatable as their first upvalue: looking it up by name would cost
 * more than most of them do. */
static struct reader *check_reader(lua_State *L) {
  if (!lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(1)))
    luaL_typeerror(L, 1, reader_type);
  lua_pop(L, 1);
  return lua_touserdata(L, 1);
}

/* ---- otlp.names(taken, seen) ---- */

/* Their numbers are places in the user value, a list of the names themselves; those that stay in
 * the rest have odd ones. */
static struct names *check_names(lua_State *L, int index) {
  return lua_isnoneornil(L, index) ? NULL : luaL_checkudata(L, index, names_type);
}

static void add_names(lua_State *L, int index, struct names *names, int list, int first) {
  int number = first;
  for (lua_Integer i = 1; lua_geti(L, index, i) != LUA_TNIL; i++, number += 2) {
    size_t len;
    const char *name = luaL_checklstring(L, -1, &len);
    names_add(names, name, len, number);
    lua_rawseti(L, list, number);
  }
  lua_pop(L, 1);
}

static int l_otlp_names(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  struct names *names = lua_newuserdatauv(L, sizeof *names, 1);
  *names = (struct names) {0};
  luaL_setmetatable(L, names_type);
  lua_newtable(L);
  add_names(L, 1, names, 4, 2);
  if (lua_istable(L, 2))
    add_names(L, 2, names, 4, 1);
  lua_setiuservalue(L, 3, 1);
  return 1;
}

static int l_names_gc(lua_State *L) {
  names_clear(luaL_checkudata(L, 1, names_type));
  return 0;
}

/* ---- otlp.open(body, encoding, signal, content) ---- */

/* Protobuf is no text: what of it is one is mended where it is read. */
static struct buf *push_body(lua_State *L, int index, enum otlp_encoding encoding) {
  if (encoding == OTLP_JSON)
    return lua_json_push_text(L, index);
  struct buf *body = script_body(L, index);
  if (body != NULL)
    return lua_json_push_taken(L, body);
  size_t len;
  const char *bytes = luaL_checklstring(L, index, &len);
  return lua_json_push_copy(L, bytes, len);
}

static int l_otlp_open(lua_State *L) {
  static const char *const encodings[] = {"json", "protobuf", NULL};
  static const char *const signals[] = {"logs", "traces", NULL};
  enum otlp_encoding encoding = luaL_checkoption(L, 2, NULL, encodings);
  enum otlp_signal signal = luaL_checkoption(L, 3, NULL, signals);
  const struct content *content = lua_content_check(L, 4);
  lua_settop(L, 4);
  struct reader *r = lua_newuserdatauv(L, sizeof *r, 2);
  *r = (struct reader) {.content = content};
  luaL_setmetatable(L, reader_type);
  struct buf *text = push_body(L, 1, encoding);
  lua_setiuservalue(L, 5, 1);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, 5, 2);
  limits_work(L, text->len / 16);
  size_t at;
  const char *fault = otlp_open(&r->otlp, text, encoding, signal, &at);
  if (fault == NULL)
    return 1;
  luaL_pushfail(L);
  lua_pushfstring(L, "%s at byte %d", fault, (int) at);
  return 2;
}

static int l_reader_gc(lua_State *L) {
  struct reader *r = lua_touserdata(L, 1);
  otlp_close(&r->otlp);
  r->otlp = (struct otlp_reader) {0};
  return 0;
}

/* ---- Values ---- */

static void push_text(lua_State *L, const struct otlp_text *text) {
  if (utf8_valid(text->data, text->len) == text->len) {
    lua_pushlstring(L, text->data, text->len);
    return;
  }
  struct buf *whole = lua_json_push_fragment(L);
  utf8_append(whole, text->data, text->len);
  lua_pushlstring(L, whole->data, whole->len);
  lua_remove(L, -2);
}

static void push_value(lua_State *L, struct otlp_reader *r, const struct otlp_value *v, int depth);

static void push_inside(lua_State *L, struct otlp_reader *r, const struct otlp_value *v,
                        int depth) {
  struct otlp_inside in;
  struct otlp_attribute member;
  lua_Integer n = 0;
  luaL_checkstack(L, 6, "too deep");
  lua_newtable(L);
  otlp_enter(r, v, &in);
  while (depth < MAX_DEPTH && otlp_next_inside(&in, &member)) {
    limits_work(L, 8);
    if (in.is_map)
      push_text(L, &member.key);
    push_value(L, r, &member.value, depth + 1);
    if (in.is_map)
      lua_rawset(L, -3);
    else
      lua_rawseti(L, -2, ++n);
  }
}

static void push_value(lua_State *L, struct otlp_reader *r, const struct otlp_value *v, int depth) {
  switch (v->kind) {
  case OTLP_TEXT:
    push_text(L, &v->text);
    break;
  case OTLP_INTEGER:
    lua_pushinteger(L, v->integer);
    break;
  case OTLP_REAL:
    lua_pushnumber(L, v->real);
    break;
  case OTLP_BOOLEAN:
    lua_pushboolean(L, v->boolean);
    break;
  case OTLP_LIST:
  case OTLP_MAP:
    push_inside(L, r, v, depth);
    break;
  default:
    lua_pushnil(L);
  }
}

/* ---- Attributes ---- */

static bool is_content(const struct content *content, const struct otlp_attribute *a) {
  return content_has(content, a->key.data, a->key.len);
}

/* Appends a member to an object that is open in out, or opens it. */
static void put_rest(struct otlp_reader *r, const struct otlp_attribute *a,
                     const struct content *content, struct buf *out) {
  size_t before = out->len;
  if (is_content(content, a))
    return;
  buf_putc(out, before == 0 ? '{' : ',');
  json_write_string(out, a->key.data, a->key.len);
  buf_putc(out, ':');
  if (!otlp_write_json(r, &a->value, content, out))
    out->len = before;
}

/* Closes the object in the fragment at the top, or puts nil in its place. */
static void end_rest(lua_State *L, struct buf *out) {
  if (out->len > 0) {
    buf_putc(out, '}');
    return;
  }
  lua_pop(L, 1);
  lua_pushnil(L);
}

/* For a walk that looks for each of them again. */
static void charge(lua_State *L, const struct otlp_attributes *list) {
  limits_work(L, list->count * (8 + list->count / 8));
}

/* Gives the item's attributes their numbers in names. */
static const struct otlp_attributes *number(struct reader *r, const struct names *names) {
  const struct otlp_attributes *list = &r->otlp.item.attributes;
  for (size_t i = 0; r->names != names && i < list->count; i++) {
    struct otlp_attribute *a = otlp_attribute(list, i);
    a->number = names != NULL ? names_find(names, a->key.data, a->key.len) : -1;
  }
  r->names = names;
  return list;
}

/* Pushes, as a json.fragment, what names does not take and what is no content; nil when nothing
 * is left. */
static void push_rest(lua_State *L, struct reader *r, const struct names *names) {
  const struct otlp_attributes *list = number(r, names);
  struct buf *out = lua_json_push_fragment(L);
  for (size_t i = 0; i < list->count; i++) {
    const struct otlp_attribute *a = otlp_attribute(list, i);
    if ((a->number < 0 || a->number & 1) && !otlp_is_replaced(list, i))
      put_rest(&r->otlp, a, r->content, out);
  }
  charge(L, list);
  end_rest(L, out);
}

/* Pushes a table of the attributes that names has; its user value stands at strings. */
static void push_named(lua_State *L, struct reader *r, const struct names *names, int strings) {
  const struct otlp_attributes *list = number(r, names);
  lua_createtable(L, 0, (int) list->count);
  for (size_t i = 0; i < list->count; i++) {
    const struct otlp_attribute *a = otlp_attribute(list, i);
    if (a->number < 0)
      continue;
    lua_rawgeti(L, strings, a->number);
    push_value(L, &r->otlp, &a->value, 0);
    lua_rawset(L, -3);
  }
  limits_work(L, list->count * 8);
}

static int l_reader_attributes(lua_State *L) {
  struct reader *r = check_reader(L);
  const struct names *names = check_names(L, 2);
  luaL_argcheck(L, names != NULL, 2, "otlp.names expected");
  lua_settop(L, 2);
  lua_getiuservalue(L, 2, 1);
  push_named(L, r, names, 3);
  return 1;
}

static int l_reader_rest(lua_State *L) {
  struct reader *r = check_reader(L);
  push_rest(L, r, check_names(L, 2));
  return 1;
}

static int l_reader_get(lua_State *L) {
  struct reader *r = check_reader(L);
  size_t len;
  const char *key = luaL_checklstring(L, 2, &len);
  const struct otlp_attribute *a = otlp_find(&r->otlp.item.attributes, key, len);
  limits_work(L, r->otlp.item.attributes.count);
  if (a == NULL)
    lua_pushnil(L);
  else
    push_value(L, &r->otlp, &a->value, 0);
  return 1;
}

/* resource(dull) -> all its attributes but content, then those that dull has not either as a
 * json.fragment. */
static int l_reader_resource(lua_State *L) {
  struct reader *r = check_reader(L);
  const struct content *content = r->content, *dull = lua_content_check(L, 2);
  const struct otlp_attributes *list = &r->otlp.resource;
  lua_settop(L, 2);
  lua_createtable(L, 0, (int) list->count);
  for (size_t i = 0; i < list->count; i++) {
    const struct otlp_attribute *a = otlp_attribute(list, i);
    if (is_content(content, a))
      continue;
    push_text(L, &a->key);
    push_value(L, &r->otlp, &a->value, 0);
    lua_rawset(L, -3);
  }
  struct buf *out = lua_json_push_fragment(L);
  for (size_t i = 0; i < list->count; i++)
    if (!is_content(dull, otlp_attribute(list, i)) && !otlp_is_replaced(list, i))
      put_rest(&r->otlp, otlp_attribute(list, i), content, out);
  charge(L, list);
  end_rest(L, out);
  return 2;
}

/* ---- Items ---- */

/* next() -> whether there is one more item, whether it is of another resource, of another scope. */
static int l_reader_next(lua_State *L) {
  struct reader *r = check_reader(L);
  bool more = r->otlp.text != NULL && otlp_next(&r->otlp);
  r->names = &nobody;
  limits_work(L, 16 + r->otlp.item.attributes.count * 4);
  lua_pushboolean(L, more);
  lua_pushboolean(L, r->otlp.new_resource);
  lua_pushboolean(L, r->otlp.new_scope);
  return 3;
}

static int l_reader_broken(lua_State *L) {
  const struct reader *r = check_reader(L);
  lua_pushinteger(L, r->otlp.broken_groups);
  lua_pushinteger(L, r->otlp.broken_values);
  return 2;
}

enum member { TIME = 1, OBSERVED, START, TRACE, SPAN, PARENT, NAME, MESSAGE, FAILED, BODY, SCOPE,
              FAULT, MEMBERS };

static const char *const members[] = {
    [TIME] = "time",       [OBSERVED] = "observed",   [START] = "start",
    [TRACE] = "trace_id",  [SPAN] = "span_id",        [PARENT] = "parent_id",
    [NAME] = "name",       [MESSAGE] = "message",     [FAILED] = "failed",
    [BODY] = "body",       [SCOPE] = "scope",         [FAULT] = "fault",
};

static void push_clock(lua_State *L, int64_t ns) {
  if (ns != 0)
    lua_pushinteger(L, ns);
  else
    lua_pushnil(L);
}

static void push_id(lua_State *L, const char *id) {
  if (*id != '\0')
    lua_pushstring(L, id);
  else
    lua_pushnil(L);
}

static void push_name(lua_State *L, const struct otlp_text *text) {
  if (text->len > 0)
    push_text(L, text);
  else
    lua_pushnil(L);
}

static int push_member(lua_State *L, const struct otlp_reader *r, enum member member) {
  const struct otlp_item *item = &r->item;
  switch (member) {
  case TIME:
    push_clock(L, item->time);
    break;
  case OBSERVED:
    push_clock(L, item->observed);
    break;
  case START:
    push_clock(L, item->start);
    break;
  case TRACE:
    push_id(L, item->trace_id);
    break;
  case SPAN:
    push_id(L, item->span_id);
    break;
  case PARENT:
    push_id(L, item->parent_id);
    break;
  case NAME:
    push_name(L, &item->name);
    break;
  case MESSAGE:
    push_name(L, &item->message);
    break;
  case FAILED:
    lua_pushboolean(L, item->failed);
    break;
  case BODY:
    push_name(L, item->body.kind == OTLP_TEXT ? &item->body.text : &(struct otlp_text) {0});
    break;
  case SCOPE:
    push_name(L, &r->scope);
    break;
  case FAULT:
    lua_pushstring(L, item->fault);
    break;
  default:
    lua_pushnil(L);
  }
  return 1;
}

/* Second upvalue: a table of the methods, and of the members' numbers, by name. */
static int l_reader_index(lua_State *L) {
  struct reader *r = check_reader(L);
  lua_settop(L, 2);
  lua_rawget(L, lua_upvalueindex(2));
  int is_member;
  lua_Integer member = lua_tointegerx(L, 2, &is_member);
  return is_member ? push_member(L, &r->otlp, (enum member) member) : 1;
}

static void new_type(lua_State *L, const char *name, lua_CFunction gc) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
}

static void open_reader(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"next", l_reader_next},         {"get", l_reader_get},
      {"attributes", l_reader_attributes}, {"rest", l_reader_rest},
      {"resource", l_reader_resource}, {"broken", l_reader_broken},
      {NULL, NULL},
  };
  new_type(L, reader_type, l_reader_gc);
  lua_pushvalue(L, -1);
  lua_newtable(L);
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, methods, 1);
  for (int i = 1; i < MEMBERS; i++) {
    lua_pushinteger(L, i);
    lua_setfield(L, -2, members[i]);
  }
  lua_pushcclosure(L, l_reader_index, 2);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

int luaopen_otlp(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"names", l_otlp_names}, {"open", l_otlp_open}, {NULL, NULL}};
  open_reader(L);
  new_type(L, names_type, l_names_gc);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
