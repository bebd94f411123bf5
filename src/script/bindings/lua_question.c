#include "script/bindings/lua_question.h"

#include <lauxlib.h>

#include "base/mem.h"
#include "script/bindings/lua_fields.h"
#include "script/engine/lua_json.h"
#include "script/engine/script.h"
#include "script/services.h"

static void read_by(lua_State *L, int index, struct question *q) {
  const struct schema *schema = script_services(L)->schema;
  for (size_t n = lua_field_list(L, index, "by", 0, SCHEMA_MAX_BY, "columns"); q->nby < n;
       q->nby++) {
    size_t len = 0;
    lua_rawgeti(L, -1, (lua_Integer) q->nby + 1);
    const char *name = lua_tolstring(L, -1, &len);
    q->by[q->nby] = name != NULL ? schema_column(schema, name, len) : -1;
    if (q->by[q->nby] < 0)
      lua_column_error(L, "by", -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void read_every(lua_State *L, int index, struct question *q) {
  static const struct {
    const char *name;
    int64_t seconds;
  } units[] = {{"minute", 60}, {"hour", 3600}, {"day", 86400}};
  if (lua_getfield(L, index, "every") == LUA_TSTRING) {
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
      if (strcmp(lua_tostring(L, -1), units[i].name) == 0)
        q->every_s = units[i].seconds;
    if (q->every_s == 0)
      lua_field_error(L, "every", "\"minute\", \"hour\", \"day\" or seconds expected");
  } else {
    q->every_s = lua_field_integer(L, index, "every", 0, 0, 366 * 86400);
  }
  if (q->every_s % 60 != 0)
    lua_field_error(L, "every", "a multiple of 60 seconds expected");
  lua_pop(L, 1);
}

/* The ends of the buckets, in unix seconds. */
static void read_bounds(lua_State *L, int index, struct question *q) {
  size_t n = lua_field_list(L, index, "bounds", 1, QUERY_MAX_BOUNDS, "ascending unix seconds");
  if (n > 0 && q->every_s > 0)
    lua_field_error(L, "bounds", "no every beside it expected");
  if (n > 0)
    q->bounds = xcalloc(n, sizeof *q->bounds);
  for (; q->nbounds < n; q->nbounds++) {
    int is_integer;
    lua_rawgeti(L, -1, (lua_Integer) q->nbounds + 1);
    int64_t second = q->bounds[q->nbounds] = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || (q->nbounds > 0 && second <= q->bounds[q->nbounds - 1]))
      lua_field_error(L, "bounds", "ascending whole numbers expected");
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* The sketch that the value at the top names; -1: none. */
static int to_sketch(lua_State *L) {
  const struct schema *schema = script_services(L)->schema;
  const char *name = lua_tostring(L, -1);
  for (size_t i = 0; name != NULL && i < schema->nsketches; i++)
    if (strcmp(schema->sketches[i].name, name) == 0)
      return (int) i;
  return -1;
}

static void read_sketches(lua_State *L, int index, struct question *q) {
  size_t n = lua_field_list(L, index, "sketches", 0, SCHEMA_MAX_SKETCHES, "sketches");
  for (size_t i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, (lua_Integer) i);
    int sketch = to_sketch(L);
    if (sketch < 0)
      lua_field_error(L, "sketches", "names of sketches expected");
    q->sketches |= 1u << sketch;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void read_quantiles(lua_State *L, int index, struct question *q) {
  size_t n = lua_field_list(L, index, "quantiles", 0, QUERY_MAX_QUANTILES, "numbers");
  for (; q->nquantiles < n; q->nquantiles++) {
    lua_rawgeti(L, -1, (lua_Integer) q->nquantiles + 1);
    double quantile = lua_tonumber(L, -1);
    if (!(quantile > 0 && quantile <= 1))
      lua_field_error(L, "quantiles", "numbers above 0, at most 1 expected");
    q->quantiles[q->nquantiles] = quantile;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* The measure that the value at the top names; -1: none. */
static int to_measure(lua_State *L) {
  size_t len = 0;
  const char *name = lua_tolstring(L, -1, &len);
  return name != NULL ? schema_measure(script_services(L)->schema, name, len) : -1;
}

/* Raises, naming the value at the top, which is no measure, or none of those wanted. */
static void measure_error(lua_State *L, const char *field, const struct question *q) {
  const struct schema *schema = script_services(L)->schema;
  struct buf *names = lua_json_push_fragment(L);
  for (size_t i = 0; i < schema->nmeasures; i++)
    if (question_wants(q, i))
      buf_printf(names, "%s%s", names->len > 0 ? ", " : "", schema->measures[i].name);
  buf_putc(names, '\0');
  lua_field_error(L, field, lua_pushfstring(L, "%s is no measure here; there are %s",
                                            luaL_tolstring(L, -2, NULL), names->data));
}

static void read_measures(lua_State *L, int index, struct question *q) {
  size_t n = lua_field_list(L, index, "measures", 1, SCHEMA_MAX_MEASURES, "measures");
  for (size_t i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, (lua_Integer) i);
    int measure = to_measure(L);
    if (measure >= 0)
      q->measures |= UINT64_C(1) << measure;
    else
      measure_error(L, "measures", &(struct question){0});
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void add_order(lua_State *L, struct question *q) {
  int measure = to_measure(L);
  if (measure < 0 || !question_wants(q, (size_t) measure))
    measure_error(L, "order_by", q);
  q->order_by |= UINT64_C(1) << measure;
}

static void read_order(lua_State *L, int index, struct question *q) {
  int type = lua_getfield(L, index, "order_by");
  if (type == LUA_TTABLE) {
    size_t n = lua_field_list(L, index, "order_by", 1, SCHEMA_MAX_MEASURES, "measures");
    for (size_t i = 1; i <= n; i++, lua_pop(L, 1)) {
      lua_rawgeti(L, -1, (lua_Integer) i);
      add_order(L, q);
    }
    lua_pop(L, 1);
  } else if (type != LUA_TNIL) {
    add_order(L, q);
  }
  lua_pop(L, 1);
  q->descending = lua_field_boolean(L, index, "descending");
}

static void read_question(lua_State *L, int index, struct question *q, bool in_list) {
  static const char *const known[] = {
      "where",      "by",    "every",  "quantiles", "measures", "order_by", "descending",
      "max_points", "limit", "bounds", "sketches",  "rest",     "seen",     NULL};
  lua_fields_check(L, index, known + in_list); /* a list has one where for all */
  read_by(L, index, q);
  read_every(L, index, q);
  read_bounds(L, index, q);
  read_quantiles(L, index, q);
  read_sketches(L, index, q);
  read_measures(L, index, q);
  read_order(L, index, q);
  q->max_points = (uint32_t) lua_field_integer(L, index, "max_points", 0, 0, 1000000);
  q->seen = lua_field_boolean(L, index, "seen");
  q->with_rest = lua_field_boolean(L, index, "rest");
  q->limit = (uint32_t) lua_field_integer(L, index, "limit", 0, 0, UINT32_MAX);
}

bool lua_questions_read(lua_State *L, struct query *q) {
  static const char *const around[] = {"where", NULL};
  bool list = lua_rawgeti(L, 1, 1) != LUA_TNIL;
  lua_pop(L, 1);
  if (list)
    lua_fields_check(L, 1, around);
  q->nquestions = list ? lua_rawlen(L, 1) : 1;
  luaL_argcheck(L, q->nquestions <= QUERY_MAX_QUESTIONS, 1, "at most 12 questions at once");
  q->questions = xcalloc(q->nquestions, sizeof *q->questions);
  q->where = lua_field_conditions(L, 1, "where");
  if (!list)
    read_question(L, 1, q->questions, false);
  for (size_t i = 0; list && i < q->nquestions; i++) {
    luaL_argcheck(L, lua_rawgeti(L, 1, (lua_Integer) i + 1) == LUA_TTABLE, 1,
                  "a list of tables expected");
    read_question(L, lua_gettop(L), &q->questions[i], true);
    lua_pop(L, 1);
  }
  return list;
}

static void push_value(lua_State *L, const struct result_value *value, const struct buf *text) {
  size_t len;
  const char *s;
  switch (value->type) {
  case RESULT_NULL:
    lua_pushnil(L);
    break;
  case RESULT_INTEGER:
    lua_pushinteger(L, value->value.i);
    break;
  case RESULT_REAL:
    lua_pushnumber(L, value->value.f);
    break;
  case RESULT_BOOLEAN:
    lua_pushboolean(L, value->value.i != 0);
    break;
  case RESULT_TEXT:
    s = value_text(text, value->value, &len);
    lua_pushlstring(L, s, len);
    break;
  }
}

/* The names are made once, below the list. */
void lua_result_push(lua_State *L, const struct result *rows) {
  int first = lua_gettop(L) + 1;
  luaL_checkstack(L, (int) rows->ncolumns + 8, "too many columns");
  for (const char *name = rows->names.data, *end = name + rows->names.len; name < end;
       name += strlen(name) + 1)
    lua_pushstring(L, name);
  lua_createtable(L, (int) rows->nrows, 1);
  const struct result_value *value = (const struct result_value *) rows->values.data;
  for (size_t row = 0; row < rows->nrows; row++) {
    lua_createtable(L, 0, (int) rows->ncolumns);
    for (size_t column = 0; column < rows->ncolumns; column++, value++) {
      lua_pushvalue(L, first + (int) column);
      push_value(L, value, &rows->text);
      lua_rawset(L, -3);
    }
    lua_rawseti(L, -2, (lua_Integer) row + 1);
  }
  lua_json_mark_array(L);
  lua_replace(L, first);
  lua_settop(L, first);
}

/* The one row of a sum as a field of the table at the top. */
static void set_sum(lua_State *L, const char *name, const struct result *sum) {
  if (sum->nrows == 0)
    return;
  lua_result_push(L, sum);
  lua_rawgeti(L, -1, 1);
  lua_setfield(L, -3, name);
  lua_pop(L, 1);
}

static void set_time(lua_State *L, const char *name, int64_t us) {
  if (us == INT64_MIN || us == INT64_MAX)
    return;
  lua_pushnumber(L, (double) us / 1e6);
  lua_setfield(L, -2, name);
}

/* Both ends are in it, as in the API. */
static void push_window(lua_State *L, const struct question *question) {
  lua_createtable(L, 0, 2);
  set_time(L, "start_time", question->used_from);
  set_time(L, "end_time", question->used_to == INT64_MAX ? INT64_MAX : question->used_to - 1);
  lua_setfield(L, -2, "window");
}

void lua_question_push(lua_State *L, const struct question *question) {
  lua_result_push(L, &question->rows);
  set_sum(L, "other", &question->other);
  set_sum(L, "totals", &question->totals);
  lua_pushboolean(L, !question->inexact);
  lua_setfield(L, -2, "exact");
  if (question->every_s > 0) {
    lua_pushinteger(L, question->used_every_s);
    lua_setfield(L, -2, "every");
  }
  if (question->snapped)
    push_window(L, question);
}
