#include "script/engine/schema_load.h"

#include "record/condition.h"
#include "schema_fixture.h"
#include "test.h"

/* Loads lua/schema.lua after edit has changed its table s; NULL leaves the reason in error. */
static struct schema *load_edited(const char *edit, struct buf *error) {
  lua_State *L = luaL_newstate();
  char chunk[600];
  luaL_openlibs(L);
  snprintf(chunk, sizeof chunk, "local s = dofile 'lua/schema.lua' %s return s", edit);
  if (luaL_dostring(L, chunk) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(2);
  }
  int top = lua_gettop(L);
  struct schema *s = schema_load(L, error);
  CHECK(lua_gettop(L) == top);
  lua_close(L);
  return s;
}

static void check_mistake(const char *edit, const char *expected) {
  struct buf error = {0};
  struct schema *s = load_edited(edit, &error);
  CHECK(s == NULL);
  CHECK_BYTES(error.data, error.len, expected);
  schema_free(s);
  buf_clear(&error);
}

static void mistakes(void) {
  static const char *const cases[][2] = {
      {"s = 5", "schema.lua: it: must return a table"},
      {"s.me = s", "schema.lua: it: \"me\" is not known here"},
      {"s.columns[1].me = s", "schema.lua: columns[1] \"request_id\": \"me\" is not known here"},
      {"for i = 1, 70000 do s.columns[i] = i end", "schema.lua: it: has more than 65536 values"},
      {"setmetatable(s.columns, { __len = error, __index = error, __pairs = error }) "
       "s.sketches[1].value = 'model'",
       "schema.lua: sketches[1]: value must be a column of numbers, and per too if it is there"},
      {"s.columns[3].default = print",
       "schema.lua: columns[3] \"method\": default must be a string, not a function"},
      {"s.colums = {}", "schema.lua: it: \"colums\" is not known here"},
      {"s.columns = nil", "schema.lua: columns: expected a list of 1 to 64 columns"},
      {"s.columns[3] = 'x'", "schema.lua: columns[3]: expected a table, not a string"},
      {"s.columns[3] = {}", "schema.lua: columns[3]: expected a name at [1], not a nil"},
      {"s.columns[3] = { 'Method', 'string' }",
       "schema.lua: columns[3] \"Method\": a name is at most 47 of a-z 0-9 _, and "
       "none of extra, row and told"},
      {"s.columns[3][2] = 'text'", "schema.lua: columns[3] \"method\": \"text\" is no "
                                   "type: string, integer, float, boolean or time"},
      {"s.columns[3].defualt = 'GET'",
       "schema.lua: columns[3] \"method\": \"defualt\" is not known here"},
      {"s.columns[3].default = 5",
       "schema.lua: columns[3] \"method\": default must be a string, not a number"},
      {"s.columns[2].default = 5", "schema.lua: columns[2] \"timestamp\": a time has no "
                                   "default: an absent one is now"},
      {"s.columns[12].default = 1.5",
       "schema.lua: columns[12] \"status_code\": the default must be a whole number"},
      {"s.columns[3][1] = 'timestamp'",
       "schema.lua: columns[3] \"timestamp\": there is a column of that name already"},
      {"s.columns[3].role = 'id'", "schema.lua: columns[3] \"method\": column "
                                   "\"request_id\" has the role id already"},
      {"s.columns[1].role = 'time'",
       "schema.lua: columns[1] \"request_id\": the role time needs the type time"},
      {"s.columns[1].role = 'key'", "schema.lua: columns[1] \"request_id\": \"key\" is "
                                    "no role: id, other_id, time, duration or status"},
      {"s.columns[1].role = nil", "schema.lua: columns: no column has the role id"},
      {"s.columns[5].from = 'nowhere'",
       "schema.lua: columns[5] \"path\": from: there is no column \"nowhere\""},
      {"s.columns[5].from = 'status_code'",
       "schema.lua: columns[5] \"path\": from: \"status_code\" has another type"},
      {"s.columns[13].scale = 0", "schema.lua: columns[13] \"duration_ms\": scale must "
                                  "be a positive number, and is for numbers only"},
      {"s.columns[3].aliases = { 'model' }",
       "schema.lua: columns[3] \"method\": the name \"model\" is taken already"},
      {"s.columns[3].aliases = { verb = 2 }",
       "schema.lua: columns[3] \"method\": aliases: a scale is for floats only"},
      {"s.columns[3].aliases = { 5 }",
       "schema.lua: columns[3] \"method\": aliases are \"name\" or name = scale"},
      {"s.columns[3].by_event = {}",
       "schema.lua: columns[3]: by_event is a table of integer columns"},
      {"s.columns[44] = { 'late', 'string' }",
       "schema.lua: columns[44] \"late\": columns of their own stand before those in_extra"},
      {"s.event_keys[1] = 'model'", "schema.lua: event_keys: the name \"model\" is taken already"},
      {"s.events[2].default = nil",
       "schema.lua: events: one event must be the default, and stored"},
      {"s.events[1].default = true",
       "schema.lua: events[2]: the event \"request_start\" is the default already"},
      {"s.events[2][1] = 'request_start'",
       "schema.lua: events[2]: there is an event \"request_start\" already"},
      {"s.events[1].fields[2] = 'verb'",
       "schema.lua: events[1]: fields: there is no column \"verb\""},
      {"s.events[1].fields[2] = 'request_id'",
       "schema.lua: events[1]: fields: \"request_id\" stands there twice"},
      {"s.cost = 5", "schema.lua: it: cost must be a table, not a number"},
      {"s.cost.rank = {}", "schema.lua: cost: \"rank\" is not known here"},
      {"s.cost.column = 'price'", "schema.lua: cost: column: there is no column \"price\""},
      {"s.cost.source = nil", "schema.lua: cost: expected column, source and ranks"},
      {"s.cost.source = 'num_turns'", "schema.lua: cost: source: \"num_turns\" is no string"},
      {"s.cost.ranks = { 'a', 'b', 'c', 'd' }", "schema.lua: cost: more than 3 ranks"},
      {"s.cost.split[1] = 'timestamp'", "schema.lua: cost: \"timestamp\" cannot follow a cost"},
      {"s.cost.basis[1] = 'timestamp'", "schema.lua: cost: \"timestamp\" cannot follow a cost"},
      {"s.cost.parts = 'tier'", "schema.lua: cost: parts: \"tier\" and \"cost_usd\" must both be "
                                "float"},
      {"s.cost.with[1] = 5", "schema.lua: cost.with: expected a text at [1], not a number"},
      {"s.measures[2][1] = 'requests'",
       "schema.lua: measures[2]: there is a measure \"requests\" already"},
      {"s.measures[2].when[1][2] = '~'",
       "schema.lua: measures[2]: when: condition 1: \"~\" is no operator: = != in not_in "
       "< <= > >= prefix matches not_matches"},
      {"s.measures[4].sum = 'model'",
       "schema.lua: measures[4]: sum: \"model\" is no number"},
      {"s.measures[4].scale = -1",
       "schema.lua: measures[4]: scale must be a positive number"},
      {"s.sketches[1].value = 'model'",
       "schema.lua: sketches[1]: value must be a column of numbers, and per too if it is there"},
      {"s.sketches[3].per = 'nothing'",
       "schema.lua: sketches[3]: per: there is no column \"nothing\""},
      {"s.rollups[5].max_keys = 10",
       "schema.lua: rollups[5]: max_keys: \"status_code\" is no string"},
      {"s.rollups[2].max_keys = 1.5",
       "schema.lua: rollups[2]: max_keys must be a whole number up to 1000000"},
      {"s.stream = nil", "schema.lua: stream: expected { topic, overflow, disconnect }"},
      {"s.stream.topic = ''", "schema.lua: stream: topic: expected a text of 1 to 64 bytes"},
      {"s.stream.overflow = {}",
       "schema.lua: stream.overflow: expected a list of members, such as { { \"type\", "
       "\"overflow\" } }"},
      {"s.stream.disconnect[3] = 'id'", "schema.lua: stream.disconnect[3]: expected { name, "
                                        "text }, dropped, connection_id or timestamp"},
      {"s.rollups[2].by[1] = 'duration_ms'",
       "schema.lua: rollups[2]: by: cells cannot be kept by "
       "\"duration_ms\": a string, integer or boolean column can"},
      {"s.rollups[2].by[1] = 'error_message'",
       "schema.lua: rollups[2]: by: cells cannot be kept by "
       "\"error_message\": a string, integer or boolean column can"},
      {"s.rollups[2].by = { 'model' }",
       "schema.lua: rollups[3]: there is a rollup by model already"},
      {"s.rollups[2].tiers = { 'week' }",
       "schema.lua: rollups[2]: \"week\" is no tier: minute, hour or day"},
      {"s.rollups[2].tiers = {}", "schema.lua: rollups[2]: tiers is empty"},
      {"s.families[1][2] = 'gauge'", "schema.lua: families[1] \"requests_total\": "
                                     "\"gauge\" is no kind: counter or histogram"},
      {"s.families[1].labels[1] = 'verb'",
       "schema.lua: families[1] \"requests_total\": labels: there is no column \"verb\""},
      {"s.families[1].labels[1] = { 'type' }",
       "schema.lua: families[1] \"requests_total\": label \"type\" needs a column or a "
       "text"},
      {"s.families[1].labels[2] = 'method'",
       "schema.lua: families[1] \"requests_total\": label \"method\" stands there twice"},
      {"s.families[2].bounds[2] = 0.001",
       "schema.lua: families[2] \"response_duration_seconds\": a "
       "histogram, and nothing else, has bounds: 1 to 64 "
       "ascending numbers"},
      {"s.families[1].bounds = { 1 }",
       "schema.lua: families[1] \"requests_total\": a histogram, and nothing "
       "else, has bounds: 1 to 64 ascending numbers"},
      {"s.families[2].value = nil",
       "schema.lua: families[2] \"response_duration_seconds\": a histogram needs a "
       "value"},
      {"s.families[5].help = 'Others.'",
       "schema.lua: families[5] \"tokens_total\": differs from the entry "
       "before it in kind, help, bounds or label names"},
      {"s.families[1], s.families[4] = s.families[4], s.families[1]",
       "schema.lua: families[3] \"tokens_total\": entries of one family stand next to "
       "each other"},
      {"s.families[1].events = { 'request_end' }",
       "schema.lua: families[1] \"requests_total\": events: there is no event "
       "\"request_end\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check_mistake(cases[i][0], cases[i][1]);
}

static void shipped(void) {
  struct schema *s = load_schema();
  CHECK(s->nstored == 41 && s->ncolumns == 45);
  CHECK(s->id == 0 && s->time == 1);
  CHECK(s->nevents == 3 && s->default_event == 1);
  CHECK(s->nsets == 12 && s->sets[6].max_keys == 2000 && s->sets[5].tiers == 1 << TIER_DAY &&
        s->sets[0].tiers == 7);
  CHECK(strcmp(s->sets[0].name, "all") == 0 &&
        strcmp(s->sets[4].name, "model_service_type_status_code") == 0);
  CHECK(s->sketches[0].value == s->duration && s->nsketches == 3);
  CHECK(s->nfamilies == 11 && s->families[1].nbounds == 13);
  CHECK(schema_measure(s, "cost_usd", 8) >= 0 &&
        s->measures[schema_measure(s, "cost_usd", 8)].scale == 1e12);
  CHECK(schema_event(s, "request_error", 13) == 2 && schema_event(s, "request", 7) == -1);
  CHECK(schema_name(s, "type", 4)->column == NAME_OF_EVENT);
  CHECK(schema_name(s, "nothing", 7) == NULL && schema_name(s, "", 0) == NULL);
  for (size_t i = 0; i < s->nnames; i++)
    CHECK(schema_name(s, s->names[i].name, s->names[i].len) == &s->names[i]);
  for (size_t i = 0; i < s->ncolumns; i++) {
    const struct column_name *n = schema_name(s, s->columns[i].name, s->columns[i].name_len);
    CHECK(n != NULL && n->column == (int) i && !n->alias &&
          schema_column(s, n->name, n->len) == (int) i);
  }
  schema_free(s);
}

int main(void) {
  shipped();
  mistakes();
  return TEST_END;
}
