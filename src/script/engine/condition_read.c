#include "script/engine/condition_read.h"

#include <lauxlib.h>
#include <math.h>

#include "script/engine/lua_list.h"

static bool condition_fail(struct buf *error, size_t i, const char *what, const char *subject) {
  buf_printf(error, "condition %zu: ", i);
  buf_printf(error, what, subject);
  return false;
}

/* Whole numbers also in float form; other numbers too for floats and times. */
static bool read_number(lua_State *L, const struct column *c, union value *v) {
  int is_integer;
  double n = lua_tonumber(L, -1);
  if (c->type == COLUMN_FLOAT) {
    v->f = n;
    return true;
  }
  if (c->type == COLUMN_TIME) {
    v->i = llrint(n * 1e6);
    return fabs(n) < 1e12;
  }
  v->i = lua_tointegerx(L, -1, &is_integer);
  return is_integer;
}

static bool read_value(lua_State *L, struct conditions *out, const struct column *c) {
  union value v = {0};
  int type = lua_type(L, -1);
  if (c->type == COLUMN_STRING && type == LUA_TSTRING) {
    size_t len;
    const char *s = lua_tolstring(L, -1, &len);
    conditions_value_text(out, s, len);
    return true;
  }
  if (c->type == COLUMN_BOOLEAN && type == LUA_TBOOLEAN)
    v.i = lua_toboolean(L, -1);
  else if (c->type == COLUMN_STRING || c->type == COLUMN_BOOLEAN || type != LUA_TNUMBER ||
           !read_number(L, c, &v))
    return false;
  conditions_value(out, v);
  return true;
}

/* One alternative of matches: a text, { prefix = TEXT }, a number, or { from, to }. */
static bool read_text_match(lua_State *L, struct conditions *out) {
  size_t len;
  bool prefix = lua_istable(L, -1);
  if (prefix) {
    lua_pushliteral(L, "prefix");
    lua_rawget(L, -2);
  } else {
    lua_pushvalue(L, -1);
  }
  const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  if (s != NULL)
    conditions_match_text(out, prefix ? MATCH_PREFIX : MATCH_EXACT, s, len);
  lua_pop(L, 1);
  return s != NULL;
}

static bool read_number_match(lua_State *L, struct conditions *out, const struct column *c) {
  if (!lua_istable(L, -1))
    return read_value(L, out, c) && read_value(L, out, c);
  bool ok = lua_rawlen(L, -1) == 2;
  for (int i = 1; ok && i <= 2; i++) {
    lua_rawgeti(L, -1, i);
    ok = read_value(L, out, c);
    lua_pop(L, 1);
  }
  return ok;
}

static bool read_match(lua_State *L, struct conditions *out, const struct column *c) {
  return c->type == COLUMN_STRING ? read_text_match(L, out) : read_number_match(L, out, c);
}

static bool read_values(lua_State *L, struct conditions *out, const struct column *c, size_t i,
                        struct buf *error) {
  static const char *const expected[] = {"strings", "whole numbers", "numbers",
                                         "booleans", "unix seconds"};
  size_t count = lua_rawlen(L, -1);
  enum condition_op op = out->items[out->count - 1].op;
  bool matches = condition_is_match(op), is_list = op == OP_IN || op == OP_NOT_IN || matches;
  if (!is_list && count != 3)
    return condition_fail(error, i, "%s takes one value", condition_op_name(op));
  if (op == OP_PREFIX && c->type != COLUMN_STRING)
    return condition_fail(error, i, "prefix is for strings, which \"%s\" is not", c->name);
  for (size_t k = 3; k <= count; k++) {
    lua_rawgeti(L, -1, (lua_Integer) k);
    bool ok = matches ? read_match(L, out, c) : read_value(L, out, c);
    lua_pop(L, 1);
    if (!ok)
      return condition_fail(
          error, i,
          matches ? "values of this column must be %s, { prefix = TEXT } or { from, to }"
                  : "values of this column must be %s",
          expected[c->type]);
  }
  return true;
}

/* The condition at the top of the stack; after a mistake the caller restores the stack. */
static bool read_condition(lua_State *L, struct conditions *out,
                           const struct schema *schema, size_t i, struct buf *error) {
  enum condition_op op;
  size_t len;
  if (!lua_istable(L, -1))
    return condition_fail(error, i, "expected { column, op, value... }, not a %s",
                          lua_typename(L, lua_type(L, -1)));
  if (lua_rawgeti(L, -1, 1) != LUA_TSTRING || lua_rawgeti(L, -2, 2) != LUA_TSTRING)
    return condition_fail(error, i, "%s", "expected { column, op, value... }");
  const char *name = lua_tolstring(L, -2, &len), *op_name = lua_tostring(L, -1);
  int column = schema_column(schema, name, len);
  bool known_op = condition_op_parse(op_name, strlen(op_name), &op);
  if (column < 0)
    condition_fail(error, i, "there is no column \"%s\"", name);
  else if (!known_op)
    condition_fail(
        error, i,
        "\"%s\" is no operator: = != in not_in < <= > >= prefix matches not_matches",
        op_name);
  lua_pop(L, 2);
  if (column < 0 || !known_op)
    return false;
  conditions_add(out, column, op);
  return read_values(L, out, &schema->columns[column], i, error);
}

struct conditions *conditions_read(lua_State *L, int index, const struct schema *schema,
                                   struct buf *error) {
  if (!lua_istable(L, index) || !lua_checkstack(L, 8)) {
    buf_printf(error, "expected a list of { column, op, value... }");
    return NULL;
  }
  if (lua_list_push_key(L, index)) {
    buf_printf(error, "expected a list of { column, op, value... }, found the key %.60s",
               luaL_tolstring(L, -1, NULL));
    lua_pop(L, 2);
    return NULL;
  }
  struct conditions *out = conditions_new();
  int top = lua_gettop(L);
  index = lua_absindex(L, index);
  for (size_t i = 1, count = lua_rawlen(L, index); i <= count; i++) {
    lua_rawgeti(L, index, (lua_Integer) i);
    bool ok = read_condition(L, out, schema, i, error);
    lua_settop(L, top);
    if (!ok) {
      conditions_unref(out);
      return NULL;
    }
  }
  conditions_normalise(out, schema);
  return out;
}
