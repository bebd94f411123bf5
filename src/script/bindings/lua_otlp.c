#include <lauxlib.h>
#include <string.h>

#include "base/utf8.h"
#include "record/json.h"
#include "record/otlp.h"
#include "record/otlp_fields.h"
#include "script/bindings/bindings.h"
#include "script/bindings/lua_content.h"
#include "script/engine/limits.h"
#include "script/engine/lua_json.h"
#include "script/engine/script.h"

static const char reader_type[] = "otlp.reader", fields_type[] = "otlp.fields";

/* Lists and maps inside each other, in values that Lua asks for. */
enum { MAX_DEPTH = 16 };

static const char *const readings[] = {
    [OTLP_READ_ANY] = "any",         [OTLP_READ_TEXT] = "text",     [OTLP_READ_NAME] = "name",
    [OTLP_READ_COUNT] = "count",     [OTLP_READ_NUMBER] = "number", [OTLP_READ_FLAG] = "flag",
    [OTLP_READ_PACKED] = "packed",   [OTLP_READ_NOTHING] = "nothing", NULL,
};

struct reader {
  struct otlp_reader otlp;
  const struct content *content; /* kept by the user value */
  const struct otlp_fields *fields;   /* whose numbers the item's attributes have */
};

/* Whose numbers the attributes of a new item have. */
static const struct otlp_fields nobody;

/* Methods have the metatable as their upvalue: looking it up by name would cost more than most of
 * them do. */
static struct reader *check_reader(lua_State *L) {
  if (!lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(1)))
    luaL_typeerror(L, 1, reader_type);
  lua_pop(L, 1);
  return lua_touserdata(L, 1);
}

/* otlp.fields{field = {reading, attribute, ..}} */

static struct otlp_fields *check_fields(lua_State *L, int index) {
  return luaL_checkudata(L, index, fields_type);
}

/* The stack: .., the list of names, the field's name, its description. */
static void read_field(lua_State *L, struct otlp_fields *fields) {
  if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1))
    luaL_error(L, "bad argument #1 (a field is name = {reading, attribute, ..})");
  if (fields->nfields == OTLP_MAX_FIELDS)
    luaL_error(L, "bad argument #1 (at most %d fields)", OTLP_MAX_FIELDS);
  struct otlp_source source = {.field = (uint8_t) ++fields->nfields};
  lua_pushvalue(L, -2);
  lua_rawseti(L, -4, fields->nfields);
  lua_getfield(L, -1, "stays");
  source.stays = lua_toboolean(L, -1);
  lua_geti(L, -2, 1);
  source.read = (uint8_t) luaL_checkoption(L, -1, NULL, readings);
  lua_pop(L, 2);
  for (lua_Integer i = 2; lua_geti(L, -1, i) != LUA_TNIL; i++, lua_pop(L, 1)) {
    size_t len;
    const char *attribute = luaL_checklstring(L, -1, &len);
    source.rank = (uint16_t) i;
    if (!otlp_fields_add(fields, attribute, len, source))
      luaL_error(L, "bad argument #1 (at most %d attributes)", OTLP_MAX_SOURCES);
  }
  lua_pop(L, 1);
}

static int l_otlp_fields(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  struct otlp_fields *fields = lua_newuserdatauv(L, sizeof *fields, 1);
  *fields = (struct otlp_fields){0};
  luaL_setmetatable(L, fields_type);
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
    read_field(L, fields);
  lua_setiuservalue(L, 2, 1);
  return 1;
}

static int l_fields_gc(lua_State *L) {
  otlp_fields_clear(check_fields(L, 1));
  return 0;
}

/* otlp.open(body, encoding, signal, content) */

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
  *r = (struct reader){.content = content};
  luaL_setmetatable(L, reader_type);
  struct buf *text = push_body(L, 1, encoding);
  lua_setiuservalue(L, 5, 1);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, 5, 2);
  limits_work(L, text->len / 16);
  char why[OTLP_WHY];
  if (otlp_open(&r->otlp, text, encoding, signal, why))
    return 1;
  luaL_pushfail(L);
  lua_pushstring(L, why);
  return 2;
}

static int l_reader_gc(lua_State *L) {
  struct reader *r = lua_touserdata(L, 1);
  otlp_close(&r->otlp);
  r->otlp = (struct otlp_reader){0};
  return 0;
}

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

static bool is_content(const struct content *content, const struct otlp_attribute *a) {
  return content_has(content, a->key.data, a->key.len);
}

enum {
  ROOM = 512,      /* for what is usually left */
  MAX_REST = 1024, /* attributes */
};

/* What is left of a list, as JSON: an object that is open. */
struct rest {
  struct reader *r;
  const struct otlp_attributes *list;
  struct buf *out; /* a fragment at the top of the stack */
  size_t count, left_out;
};

static struct rest begin_rest(lua_State *L, struct reader *r, const struct otlp_attributes *list) {
  struct rest rest = {
      .r = r, .list = list, .out = lua_json_push_fragment(L), .left_out = list->left_out};
  buf_reserve(rest.out, ROOM);
  return rest;
}

static void put_name(struct buf *out, const char *name, size_t len) {
  buf_putc(out, out->len == 0 ? '{' : ',');
  json_write_string(out, name, len);
  buf_putc(out, ':');
}

/* Adds the attribute at i, unless it is content or replaced. */
static void put_rest(struct rest *rest, size_t i) {
  const struct otlp_attribute *a = otlp_attribute(rest->list, i);
  size_t before = rest->out->len;
  if (is_content(rest->r->content, a))
    return;
  if (rest->count == MAX_REST) {
    rest->left_out++;
    return;
  }
  rest->count++;
  if (otlp_is_replaced(rest->list, i))
    return;
  put_name(rest->out, a->key.data, a->key.len);
  if (!otlp_write_json(&rest->r->otlp, &a->value, rest->r->content, rest->out))
    rest->out->len = before;
}

/* Says in OTLP's word how many are missing, and closes the object, or puts nil in its place. */
static void end_rest(lua_State *L, struct rest *rest) {
  static const char dropped[] = "dropped_attributes_count";
  limits_work(L, rest->list->count * (8 + rest->count / 8));
  if (rest->left_out > 0) {
    put_name(rest->out, dropped, sizeof dropped - 1);
    buf_put_int(rest->out, (int64_t) rest->left_out);
  }
  if (rest->out->len > 0) {
    buf_putc(rest->out, '}');
    lua_json_mark_compact(rest->out);
    return;
  }
  lua_pop(L, 1);
  lua_pushnil(L);
}

/* What it unpacks is of a size that others choose. */
static bool number_with_room(struct otlp_reader *r, const struct otlp_fields *fields) {
  jmp_buf refused;
  if (setjmp(refused) != 0) {
    buf_refused = NULL;
    return false;
  }
  buf_refused = &refused;
  otlp_number(r, fields);
  buf_refused = NULL;
  return true;
}

/* The item's attributes, with their numbers. */
static const struct otlp_attributes *number(lua_State *L, struct reader *r,
                                            const struct otlp_fields *fields) {
  if (r->fields != fields && !number_with_room(&r->otlp, fields))
    luaL_error(L, "there is no memory to unpack an item's attributes, try again");
  r->fields = fields;
  return &r->otlp.item.attributes;
}

static int l_reader_rest(lua_State *L) {
  struct reader *r = check_reader(L);
  const struct otlp_fields *fields = lua_isnoneornil(L, 2) ? NULL : check_fields(L, 2);
  const struct otlp_attributes *list = number(L, r, fields);
  struct rest rest = begin_rest(L, r, list);
  for (size_t i = 0; i < list->count; i++)
    if (otlp_stays(fields, otlp_attribute(list, i)))
      put_rest(&rest, i);
  end_rest(L, &rest);
  return 1;
}

static void push_chosen(lua_State *L, struct reader *r, const struct otlp_choice *c) {
  push_value(L, &r->otlp, &c->value, 0);
  if (c->read == OTLP_READ_TEXT || c->read == OTLP_READ_NAME)
    lua_tolstring(L, -1, NULL);
}

/* fields(f) -> {field = value} */
static int l_reader_fields(lua_State *L) {
  struct reader *r = check_reader(L);
  const struct otlp_fields *fields = check_fields(L, 2);
  struct otlp_choice choices[OTLP_MAX_FIELDS + 1];
  const struct otlp_attributes *list = number(L, r, fields);
  otlp_choose(&r->otlp, fields, choices);
  limits_work(L, list->count * 8);
  lua_settop(L, 2);
  lua_getiuservalue(L, 2, 1);
  lua_createtable(L, 0, (int) (list->count < 2 * OTLP_MAX_FIELDS ? list->count / 2
                                                                 : OTLP_MAX_FIELDS));
  for (int i = 1; i <= fields->nfields; i++) {
    if (choices[i].rank == 0)
      continue;
    lua_rawgeti(L, 3, i);
    push_chosen(L, r, &choices[i]);
    lua_rawset(L, 4);
  }
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
  struct rest rest = begin_rest(L, r, list);
  for (size_t i = 0; i < list->count; i++)
    if (!is_content(dull, otlp_attribute(list, i)))
      put_rest(&rest, i);
  end_rest(L, &rest);
  return 2;
}

/* otlp_next(), or an error of Lua's where there is no memory for what a client has sized. */
static bool next_with_room(lua_State *L, struct otlp_reader *r) {
  jmp_buf refused;
  if (setjmp(refused) != 0) {
    buf_refused = NULL;
    luaL_error(L, "there is no memory for an item's attributes, try again");
  }
  buf_refused = &refused;
  bool more = otlp_next(r);
  buf_refused = NULL;
  return more;
}

/* next() -> whether there is one more item, whether it is of another resource, of another scope;
 * why it cannot be taken. */
static int l_reader_next(lua_State *L) {
  struct reader *r = check_reader(L);
  bool more = r->otlp.text != NULL && next_with_room(L, &r->otlp);
  r->fields = &nobody;
  limits_work(L, 16 + r->otlp.item.attributes.count * 4);
  lua_pushboolean(L, more);
  lua_pushboolean(L, r->otlp.new_resource);
  lua_pushboolean(L, r->otlp.new_scope);
  lua_pushstring(L, r->otlp.item.fault);
  return 4;
}

static int l_reader_broken(lua_State *L) {
  const struct reader *r = check_reader(L);
  lua_pushinteger(L, r->otlp.broken_groups);
  lua_pushinteger(L, r->otlp.broken_values);
  lua_createtable(L, 0, (int) r->otlp.nmisfits);
  for (size_t i = 0; i < r->otlp.nmisfits; i++) {
    lua_pushinteger(L, r->otlp.misfits[i].items);
    lua_setfield(L, -2, r->otlp.misfits[i].what);
  }
  return 3;
}

static void push_clock(lua_State *L, int64_t ns) {
  if (ns != 0)
    lua_pushinteger(L, ns);
  else
    lua_pushnil(L);
}

static int l_reader_times(lua_State *L) {
  const struct otlp_item *item = &check_reader(L)->otlp.item;
  push_clock(L, item->start);
  push_clock(L, item->time);
  push_clock(L, item->observed);
  return 3;
}

static void push_id(lua_State *L, const char *id) {
  if (*id != '\0')
    lua_pushstring(L, id);
  else
    lua_pushnil(L);
}

static int l_reader_ids(lua_State *L) {
  const struct otlp_item *item = &check_reader(L)->otlp.item;
  push_id(L, item->trace_id);
  push_id(L, item->span_id);
  push_id(L, item->parent_id);
  return 3;
}

static int push_name(lua_State *L, const struct otlp_text *text) {
  if (text->len > 0)
    push_text(L, text);
  else
    lua_pushnil(L);
  return 1;
}

static int l_reader_status(lua_State *L) {
  const struct otlp_item *item = &check_reader(L)->otlp.item;
  lua_pushboolean(L, item->failed);
  return 1 + push_name(L, &item->message);
}

static int l_reader_name(lua_State *L) {
  return push_name(L, &check_reader(L)->otlp.item.name);
}

static int l_reader_body(lua_State *L) {
  const struct otlp_value *body = &check_reader(L)->otlp.item.body;
  return push_name(L, body->kind == OTLP_TEXT ? &body->text : &(struct otlp_text){0});
}

static int l_reader_scope(lua_State *L) {
  return push_name(L, &check_reader(L)->otlp.scope);
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
      {"next", l_reader_next},         {"get", l_reader_get},       {"fields", l_reader_fields},
      {"rest", l_reader_rest},         {"times", l_reader_times},   {"ids", l_reader_ids},
      {"status", l_reader_status},     {"name", l_reader_name},     {"body", l_reader_body},
      {"scope", l_reader_scope},       {"broken", l_reader_broken},
      {"resource", l_reader_resource}, {NULL, NULL},
  };
  new_type(L, reader_type, l_reader_gc);
  lua_newtable(L);
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, methods, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

int luaopen_otlp(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"fields", l_otlp_fields}, {"open", l_otlp_open}, {NULL, NULL}};
  open_reader(L);
  new_type(L, fields_type, l_fields_gc);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
