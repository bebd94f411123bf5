#include "script/bindings/lua_batch.h"

#include <lauxlib.h>

#include "script/engine/lua_json.h"

static const char type_name[] = "batch";

static int l_batch_gc(lua_State *L) {
  struct batch **b = lua_touserdata(L, 1);
  if (*b != NULL)
    batch_free(*b);
  *b = NULL;
  return 0;
}

struct batch **lua_batch_push(lua_State *L) {
  struct batch **b = lua_newuserdatauv(L, sizeof *b, 0);
  *b = NULL;
  if (luaL_newmetatable(L, type_name)) {
    lua_pushcfunction(L, l_batch_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
  return b;
}

struct reader {
  lua_State *L;
  struct batch *b;
  struct record *r;
  uint32_t position;
  struct buf *scratch;
  bool saw_alias; /* in the round that leaves aliases out */
};

static bool reject(struct reader *in, int column, const char *why) {
  batch_reject(in->b, in->position, 0, column, "%s", why);
  return false;
}

static bool put_extra(struct reader *in, const char *name, size_t len, int index) {
  struct buf error = {0}, *json = lua_json_fragment(in->L, index);
  if (json != NULL && lua_json_is_compact(json)) {
    record_put_compact(in->b, in->r, name, len, json->data, json->len);
    return true;
  }
  in->scratch->len = 0;
  bool ok = lua_json_write(in->L, index, in->scratch, &error);
  if (ok) {
    record_put_extra(in->b, in->r, name, len, in->scratch->data, in->scratch->len);
  } else {
    buf_putc(&error, '\0');
    reject(in, -1, error.data);
  }
  buf_clear(&error);
  return ok;
}

/* The member "extra" itself: JSON of an object, as lua_batch_push_record gives it, or a table. */
static bool put_extra_members(struct reader *in, int index) {
  lua_State *L = in->L;
  struct buf *json = lua_json_fragment(L, index);
  if (json != NULL) {
    record_put_members(in->b, in->r, in->scratch, json->data, json->len);
    return true;
  }
  if (!lua_istable(L, index))
    return reject(in, -1, "extra must be a table");
  lua_pushnil(L);
  while (lua_next(L, index)) {
    size_t len;
    if (lua_type(L, -2) != LUA_TSTRING)
      return reject(in, -1, "extra must have names as keys");
    const char *name = lua_tolstring(L, -2, &len);
    if (!put_extra(in, name, len, lua_gettop(L)))
      return false;
    lua_pop(L, 1);
  }
  return true;
}

static bool set_event(struct reader *in, int index) {
  size_t len;
  const char *name = lua_type(in->L, index) == LUA_TSTRING
                         ? lua_tolstring(in->L, index, &len)
                         : NULL;
  int event = name != NULL ? schema_event(in->b->schema, name, len) : -1;
  if (event < 0)
    return reject(in, -1, "type must be the name of an event type");
  in->r->event = (uint8_t) event;
  return true;
}

static bool is_null(lua_State *L, int index) {
  return lua_isnil(L, index) ||
         (lua_type(L, index) == LUA_TLIGHTUSERDATA && lua_touserdata(L, index) == NULL);
}

static bool set_value(struct reader *in, const struct column_name *name, int index,
                      const char **why) {
  lua_State *L = in->L;
  size_t len;
  const char *s;
  *why = "a plain value";
  switch (lua_type(L, index)) {
  case LUA_TSTRING:
    s = lua_tolstring(L, index, &len);
    return record_set_text(in->b, in->r, name, s, len, why);
  case LUA_TNUMBER:
    return record_set_number(in->b, in->r, name, lua_isinteger(L, index), lua_tointeger(L, index),
                             lua_tonumber(L, index), why);
  case LUA_TBOOLEAN:
    return record_set_boolean(in->b, in->r, name, lua_toboolean(L, index), why);
  default:
    return false;
  }
}

/* key is a string; the value stands at index.  An alias fills its column only where
 * nothing else has, so those come in a second round. */
static bool set_member(struct reader *in, const char *key, size_t len, int index, bool aliases) {
  const struct column_name *name = schema_name(in->b->schema, key, len);
  const char *why;
  bool is_extra = len == 5 && memcmp(key, "extra", 5) == 0;
  bool is_alias = name != NULL && name->alias;
  in->saw_alias |= is_alias;
  if (is_extra || is_null(in->L, index) || is_alias != aliases)
    return true;
  if (name != NULL && name->column == NAME_OF_EVENT)
    return set_event(in, index);
  if (name != NULL && !(aliases && record_has(in->r, name->column)) &&
      set_value(in, name, index, &why))
    return true;
  if (name == NULL || name_is_shared(in->b->schema, name))
    return put_extra(in, key, len, index);
  batch_reject(in->b, in->position, 0, name->column, "expected %s", why);
  return false;
}

static bool read_members(struct reader *in, int index, bool aliases) {
  lua_State *L = in->L;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    size_t len;
    if (lua_type(L, -2) != LUA_TSTRING)
      return reject(in, -1, "a record must have names as keys");
    const char *key = lua_tolstring(L, -2, &len);
    if (!set_member(in, key, len, lua_gettop(L), aliases))
      return false;
    lua_pop(L, 1);
  }
  return true;
}

static bool read_record(struct reader *in, int index) {
  lua_pushliteral(in->L, "extra");
  lua_rawget(in->L, index);
  int extra = lua_gettop(in->L);
  return (is_null(in->L, extra) || put_extra_members(in, extra)) &&
         read_members(in, index, false) &&
         (!in->saw_alias || read_members(in, index, true));
}

void lua_batch_add(lua_State *L, int index, struct batch *b, uint32_t position, struct buf *scratch,
                   int64_t now_us) {
  int top = lua_gettop(L);
  if (!lua_istable(L, index) || !lua_checkstack(L, 16)) {
    batch_reject(b, position, 0, -1, "a record must be a table, is a %s",
                 lua_typename(L, lua_type(L, index)));
    return;
  }
  struct reader in = {.L = L, .b = b, .r = batch_add(b), .position = position, .scratch = scratch};
  in.r->position = position;
  if (read_record(&in, lua_absindex(L, index)))
    batch_complete(b, in.r, now_us);
  else
    batch_drop_last(b);
  lua_settop(L, top);
}

static void push_value(lua_State *L, const struct column *c, union value v,
                       const struct buf *text) {
  size_t len;
  const char *s;
  switch (c->type) {
  case COLUMN_STRING:
    s = value_text(text, v, &len);
    lua_pushlstring(L, s, len);
    break;
  case COLUMN_INTEGER:
    lua_pushinteger(L, v.i);
    break;
  case COLUMN_FLOAT:
    lua_pushnumber(L, v.f);
    break;
  case COLUMN_BOOLEAN:
    lua_pushboolean(L, v.i != 0);
    break;
  case COLUMN_TIME:
    lua_pushnumber(L, (double) v.i / 1e6);
    break;
  }
}

/* rest: without the columns that live there, for those the table has as fields. */
static void push_extra(lua_State *L, const struct batch *b, const struct record *r, bool rest) {
  if (r->extra.len == 0)
    return;
  struct buf *json = lua_json_push_fragment(L);
  const char *text = b->text.data + r->extra.offset;
  if (rest)
    extra_write_rest(json, b->schema, text, r->extra.len);
  else
    buf_append(json, text, r->extra.len);
  if (json->len > 0)
    lua_setfield(L, -2, "extra");
  else
    lua_pop(L, 1);
}

static void set_column(lua_State *L, const struct batch *b, const struct record *r, size_t i) {
  const struct column *c = &b->schema->columns[i];
  push_value(L, c, r->v[i], &b->text);
  lua_setfield(L, -2, c->name);
}

/* As it was received: what is absent stays absent. */
void lua_batch_push_record(lua_State *L, const struct batch *b, const struct record *r) {
  lua_createtable(L, 0, (int) b->schema->ncolumns + 2);
  lua_pushstring(L, b->schema->events[r->event].name);
  lua_setfield(L, -2, "type");
  for (size_t i = 0; i < b->schema->ncolumns; i++)
    if (record_has(r, (int) i))
      set_column(L, b, r, i);
  push_extra(L, b, r, true);
}

void lua_batch_push_row(lua_State *L, const struct batch *b, const struct record *r,
                        bool with_extra) {
  lua_createtable(L, 0, (int) b->schema->ncolumns + 1);
  for (size_t i = 0; i < b->schema->nstored; i++)
    if (column_is_shown(&b->schema->columns[i]))
      set_column(L, b, r, i);
  if (with_extra)
    push_extra(L, b, r, false);
}

void lua_batch_push_errors(lua_State *L, const struct batch *b) {
  lua_createtable(L, (int) b->nerrors, 0);
  for (size_t i = 0; i < b->nerrors; i++) {
    const struct rejection *e = &b->errors[i];
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, e->index);
    lua_setfield(L, -2, "index");
    if (e->line > 0) {
      lua_pushinteger(L, e->line);
      lua_setfield(L, -2, "line");
    }
    if (e->column >= 0) {
      lua_pushstring(L, b->schema->columns[e->column].name);
      lua_setfield(L, -2, "field");
    }
    lua_pushstring(L, e->message);
    lua_setfield(L, -2, "message");
    lua_rawseti(L, -2, (lua_Integer) i + 1);
  }
  lua_json_mark_array(L);
}

static void take_report(struct batch *to, struct batch *from) {
  to->sent = from->sent;
  to->rejected = from->rejected;
  to->nerrors = from->nerrors;
  to->errors = from->errors;
  from->errors = NULL;
  from->nerrors = 0;
}

uint32_t lua_batch_apply(lua_State *L, int hook, struct batch **batch, int64_t now_us) {
  uint32_t dropped = 0;
  hook = lua_absindex(L, hook);
  struct batch **made = lua_batch_push(L);
  struct buf *scratch = lua_json_push_fragment(L);
  *made = batch_new((*batch)->schema);
  batch_leave_out(*made, (*batch)->content);
  take_report(*made, *batch);
  for (size_t i = 0; i < (*batch)->count; i++) {
    const struct record *r = batch_record(*batch, i);
    lua_pushvalue(L, hook);
    lua_batch_push_record(L, *batch, r);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1))
      dropped++;
    else
      lua_batch_add(L, -1, *made, r->position, scratch, now_us);
    lua_pop(L, 1);
  }
  struct batch *old = *batch;
  *batch = *made;
  *made = old;
  lua_pop(L, 2);
  return dropped;
}
