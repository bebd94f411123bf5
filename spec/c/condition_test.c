#include "script/engine/condition_read.h"

#include <math.h>

#include "schema_fixture.h"
#include "test.h"

static struct schema *schema;
static lua_State *L;

static struct conditions *read(const char *list, struct buf *error) {
  char chunk[400];
  snprintf(chunk, sizeof chunk, "return %s", list);
  if (luaL_dostring(L, chunk) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(2);
  }
  int top = lua_gettop(L);
  struct conditions *c = conditions_read(L, -1, schema, error);
  CHECK(lua_gettop(L) == top);
  lua_settop(L, 0);
  return c;
}

static struct conditions *conditions(const char *list) {
  struct buf error = {0};
  struct conditions *c = read(list, &error);
  if (c == NULL)
    fprintf(stderr, "%s: %.*s\n", list, (int) error.len, error.data);
  CHECK(c != NULL);
  buf_clear(&error);
  return c;
}

static void set(struct batch *b, const char *column, const char *text) {
  const char *why;
  CHECK(record_set_text(b, batch_record(b, 0), schema_name(schema, column, strlen(column)), text,
                        strlen(text), &why));
}

static struct batch *batch_of_one(void) {
  struct batch *b = batch_new(schema);
  batch_add(b);
  set(b, "model", "claude-sonnet-4");
  set(b, "path", "/v1/messages");
  set(b, "duration_ms", "1500.5");
  set(b, "timestamp", "1700000000");
  batch_complete(b, batch_record(b, 0), 0);
  return b;
}

static void matching(void) {
  const struct {
    const char *list;
    bool row, event;
  } cases[] = {
      {"{}", true, true},
      {"{ { 'model', '=', 'claude-sonnet-4' } }", true, true},
      {"{ { 'model', '=', 'claude' } }", false, false},
      {"{ { 'model', '!=', 'claude-sonnet-4' } }", false, false},
      {"{ { 'model', 'in', 'a', 'claude-sonnet-4' } }", true, true},
      {"{ { 'model', 'in' } }", false, false},
      {"{ { 'model', 'not_in' } }", true, true},
      {"{ { 'model', 'not_in', 'a', 'b' } }", true, true},
      {"{ { 'model', 'prefix', 'claude-' } }", true, true},
      {"{ { 'model', 'prefix', '' } }", true, true},
      {"{ { 'model', 'prefix', 'claude-sonnet-4-5' } }", false, false},
      {"{ { 'model', 'matches', 'a', { prefix = 'claude-' } } }", true, true},
      {"{ { 'model', 'matches', 'claude-sonnet', { prefix = 'gpt' } } }", false, false},
      {"{ { 'model', 'matches' } }", false, false},
      {"{ { 'model', 'not_matches', { prefix = 'claude-' } } }", false, false},
      {"{ { 'model', 'not_matches', 'claude-' } }", true, true},
      {"{ { 'duration_ms', 'matches', { 1, 1500 }, 1500.5 } }", true, true},
      {"{ { 'duration_ms', 'matches', { 1, 1500 } } }", false, false},
      {"{ { 'service_type', 'matches', { prefix = '' } } }", true, false},
      {"{ { 'status_code', 'not_matches', 429, { 200, 299 } } }", false, true},
      {"{ { 'model', '<', 'd' }, { 'model', '>', 'claude' } }", true, true},
      {"{ { 'duration_ms', '>=', 1500.5 }, { 'duration_ms', '<=', 1500.5 } }", true, true},
      {"{ { 'duration_ms', '>', 1500.5 } }", false, false},
      {"{ { 'duration_ms', '<', 1500.5 } }", false, false},
      {"{ { 'duration_ms', '>', 0/0 }, { 'duration_ms', '<=', 0/0 } }", true, true},
      {"{ { 'duration_ms', '<', math.huge } }", true, true},
      {"{ { 'duration_ms', '<', -math.huge } }", false, false},
      {"{ { 'timestamp', '>=', 1700000000 }, { 'timestamp', '<', 1700000000.5 } }", true, true},
      {"{ { 'streaming', '=', false } }", true, false},
      {"{ { 'streaming', '!=', true } }", true, true},
      /* Not received: service type, status.  Derived from what was: endpoint, duration_seconds. */
      {"{ { 'service_type', '=', '' } }", true, false},
      {"{ { 'service_type', 'in', '', 'x' } }", true, false},
      {"{ { 'service_type', 'prefix', '' } }", true, false},
      {"{ { 'service_type', '!=', '' } }", false, true},
      {"{ { 'service_type', 'not_in', '', 'x' } }", false, true},
      {"{ { 'status_code', '>=', 400 } }", false, true},
      {"{ { 'status_code', '<', 400 } }", true, true},
      {"{ { 'endpoint', '=', '/v1/messages' } }", true, true},
      {"{ { 'duration_seconds', '>', 2 } }", false, false},
  };
  struct batch *b = batch_of_one();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct conditions *c = conditions(cases[i].list);
    bool row = conditions_match_row(c, schema, batch_record(b, 0), &b->text);
    bool event = conditions_match_event(c, schema, batch_record(b, 0), &b->text);
    if (row != cases[i].row || event != cases[i].event)
      fprintf(stderr, "%s: row %d, event %d\n", cases[i].list, row, event);
    CHECK(row == cases[i].row && event == cases[i].event);
    conditions_unref(c);
  }
  batch_free(b);
}

static void normal_form(void) {
  const struct {
    const char *a, *b;
    bool equal;
  } cases[] = {
      {"{}", "{}", true},
      {"{ { 'model', 'in', 'b', 'a', 'b' } }", "{ { 'model', 'in', 'a', 'b' } }", true},
      {"{ { 'model', 'in', 'a', 'a' } }", "{ { 'model', '=', 'a' } }", true},
      {"{ { 'model', 'not_in', 'a' } }", "{ { 'model', '!=', 'a' } }", true},
      {"{ { 'model', '=', 'a' }, { 'status_code', '>', 4 } }",
       "{ { 'status_code', '>', 4 }, { 'model', '=', 'a' } }", true},
      {"{ { 'model', '=', 'a' }, { 'model', '=', 'a' } }", "{ { 'model', '=', 'a' } }",
       true},
      {"{ { 'cost_usd', '<', -0.0 } }", "{ { 'cost_usd', '<', 0 } }", true},
      {"{ { 'cost_usd', '<', 0/0 } }", "{}", true},
      {"{ { 'model', '=', 'a' } }", "{ { 'model', '=', 'b' } }", false},
      {"{ { 'model', '=', 'a' } }", "{ { 'model', '!=', 'a' } }", false},
      {"{ { 'model', '=', 'a' } }", "{ { 'path', '=', 'a' } }", false},
      {"{ { 'model', 'in', 'ab', 'c' } }", "{ { 'model', 'in', 'a', 'bc' } }", false},
      {"{ { 'model', '=', 'a' } }", "{ { 'model', '=', 'a' }, { 'path', '=', 'a' } }",
       false},
      {"{ { 'model', 'in' } }", "{}", false},
      {"{ { 'model', 'matches', 'b', { prefix = 'a' }, 'b' } }",
       "{ { 'model', 'matches', { prefix = 'a' }, 'b' } }", true},
      {"{ { 'model', 'matches', 'a' } }", "{ { 'model', 'matches', { prefix = 'a' } } }",
       false},
      {"{ { 'status_code', 'matches', { 1, 2 } } }",
       "{ { 'status_code', 'matches', 1, 2 } }", false},
      {"{ { 'status_code', 'matches', { 3, 9 }, 1, { 5, 4 }, { 2, 5 }, 1, 12 } }",
       "{ { 'status_code', 'matches', 12, 1, { 2, 9 } } }", true},
      {"{ { 'status_code', 'matches', { 1, 9 }, { 2, 3 } } }",
       "{ { 'status_code', 'matches', { 1, 9 } } }", true},
      {"{ { 'cost_usd', 'matches', { 0, 0.5 }, { -0.0, 0.25 } } }",
       "{ { 'cost_usd', 'matches', { -0.0, 0.5 } } }", true},
      {"{ { 'status_code', 'matches', { 2, 1 } } }", "{ { 'status_code', 'matches' } }", true},
      {"{ { 'status_code', 'matches', { 2, 1 } } }", "{}", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct conditions *a = conditions(cases[i].a), *b = conditions(cases[i].b);
    CHECK(conditions_equal(a, b, schema) == cases[i].equal);
    CHECK((conditions_hash(a, schema) == conditions_hash(b, schema)) == cases[i].equal);
    conditions_unref(conditions_ref(a));
    CHECK(conditions_equal(a, a, schema));
    conditions_unref(a);
    conditions_unref(b);
  }
}

static void mistakes(void) {
  const struct {
    const char *list, *error;
  } cases[] = {
      {"5", "expected a list of { column, op, value... }"},
      {"{ 5 }", "condition 1: expected { column, op, value... }, not a number"},
      {"{ { 'model' } }", "condition 1: expected { column, op, value... }"},
      {"{ { 'model', '=', 'a' }, { 'modell', '=', 'a' } }",
       "condition 2: there is no column \"modell\""},
      {"{ { 'model', '==', 'a' } }",
       "condition 1: \"==\" is no operator: = != in not_in < <= > >= prefix matches "
       "not_matches"},
      {"{ { 'model', '=', 5 } }", "condition 1: values of this column must be strings"},
      {"{ { 'model', '=' } }", "condition 1: = takes one value"},
      {"{ { 'model', '<', 'a', 'b' } }", "condition 1: < takes one value"},
      {"{ { 'status_code', '=', 1.5 } }",
       "condition 1: values of this column must be whole numbers"},
      {"{ { 'status_code', '=', '200' } }",
       "condition 1: values of this column must be whole numbers"},
      {"{ { 'status_code', 'prefix', 2 } }",
       "condition 1: prefix is for strings, which \"status_code\" is not"},
      {"{ { 'model', 'matches', {} } }", "condition 1: values of this column must be "
                                         "strings, { prefix = TEXT } or { from, to }"},
      {"{ { 'status_code', 'matches', { 1 } } }",
       "condition 1: values of this column must be whole numbers, { prefix = TEXT } or { "
       "from, to }"},
      {"{ { 'streaming', '=', 1 } }",
       "condition 1: values of this column must be booleans"},
      {"{ { 'timestamp', '>', 0/0 } }",
       "condition 1: values of this column must be unix seconds"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct buf error = {0};
    CHECK(read(cases[i].list, &error) == NULL);
    CHECK_BYTES(error.data, error.len, cases[i].error);
    buf_clear(&error);
  }
}

int main(void) {
  schema = load_schema();
  L = luaL_newstate();
  luaL_openlibs(L);
  matching();
  normal_form();
  mistakes();
  lua_close(L);
  schema_free(schema);
  return TEST_END;
}
