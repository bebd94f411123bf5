#include <sqlite3.h>

#include "base/hash.h"
#include "store/file/id_filter.h"
#include "store_fixture.h"

/* The same request again, at any age of its row. */

enum { N = 4, ORDERS = 24 };

static void exec(const struct store *s, const char *sql) {
  sqlite3 *db;
  CHECK(sqlite3_open(s->path, &db) == SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
    fprintf(stderr, "%s\n", sqlite3_errmsg(db));
  sqlite3_close(db);
}

static void restart(struct store *s) {
  store_close(s);
  store_open(s);
}

static const char *const told[N] = {
    "\"timestamp\":1750000010,\"model\":\"x\",\"tokens_input\":10000,\"tokens_output\":7,\"a\":1,"
    "\"b\":1,"
    "\"cost_usd\":0.75,\"cost_source\":\"computed\"",
    "\"timestamp\":1750000020,\"tokens_input\":2000,\"cache_read_tokens\":8000,\"cost_usd\":0.5,"
    "\"cost_source\":\"reported\",\"duration_ms\":40",
    "\"timestamp\":1750000090,\"status_code\":503,\"duration_seconds\":0.25,\"b\":2",
    "\"timestamp\":1750000030,\"type\":\"request_error\",\"model\":\"z\",\"a\":3,\"error_type\":"
    "\"t\"",
};

/* The order of a number from 0 to 23. */
static void order_of(int number, int order[N]) {
  int left[N] = {0, 1, 2, 3}, factorial[N] = {6, 2, 1, 1};
  for (int i = 0; i < N; i++) {
    int at = number / factorial[i];
    number %= factorial[i];
    order[i] = left[at];
    memmove(left + at, left + at + 1, (size_t) (N - i - 1 - at) * sizeof *left);
  }
}

static void put_told(struct store *s, int id, int which) {
  char line[400];
  snprintf(line, sizeof line, "{\"request_id\":\"r%02d\",%s}\n", id, told[which]);
  put(s, line);
}

static void expect_rows(struct store *s) {
  char *first = row_json(s, "r00");
  for (int i = 1; i < ORDERS; i++) {
    char id[8];
    snprintf(id, sizeof id, "r%02d", i);
    char *row = row_json(s, id);
    memcpy(strstr(row, id), "r00", 3);
    CHECK_BYTES(row, strlen(row), first);
    free(row);
  }
  static const char *const parts[] = {
      "\"timestamp\":\"2025-06-15T15:06:50Z\"",
      "\"model\":\"z\"",
      "\"tokens_input\":2000,\"tokens_output\":7",
      "\"cache_read_tokens\":8000",
      "\"cost_usd\":0.5",
      "\"status_code\":503,\"duration_ms\":250.0",
      "\"extra\":{\"a\":3,\"b\":2,\"cost_source\":\"reported\"}"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (strstr(first, parts[i]) == NULL)
      fprintf(stderr, "no %s in %s\n", parts[i], first);
    CHECK(strstr(first, parts[i]) != NULL);
  }
  free(first);
}

static void expect_cells(struct store *s) {
  restart(s); /* it writes its cells before it ends */
  CHECK(number(s, "SELECT count(*) FROM rollup_model WHERE tier = 0 AND row_count > 0") == 1);
  CHECK(number(s, "SELECT row_count FROM rollup_model WHERE tier = 0 AND model = 'z'") == ORDERS);
  CHECK(number(s, "SELECT tokens_input FROM rollup_model WHERE tier = 2 AND model = 'z'") ==
        ORDERS * 2000);
  CHECK(number(s, "SELECT cost_usd FROM rollup_model WHERE tier = 1 AND model = 'z'") ==
        ORDERS * 500000000000);
  CHECK(number(s, "SELECT sum(server_errors) FROM rollup_all WHERE tier = 0") == ORDERS);
  CHECK(number(s, "SELECT sum(tokens_output) FROM rollup_all WHERE tier = 0") == ORDERS * 7);
}

/* Each order has an id of its own; what a row was told is read back from the file between any two.
 */
static void test_orders(void) {
  struct store *s = store_new();
  store_open(s);
  for (int turn = 0; turn < N; turn++) {
    for (int i = 0; i < ORDERS; i++) {
      int order[N];
      order_of(i, order);
      put_told(s, i, order[turn]);
    }
    restart(s);
  }
  CHECK(count_rows(s) == ORDERS);
  expect_rows(s);
  expect_cells(s);
  for (int i = 0; i < ORDERS; i++)
    for (int k = 0; k < N; k++)
      put_told(s, i, k);
  expect_rows(s);
  expect_cells(s);
  store_remove(s);
}

/* The schema's columns in another order, one more between them: what was told stays what it was. */
static void test_another_schema(void) {
  struct store *s = store_new();
  store_open(s);
  put(s, "{\"request_id\":\"p\",\"timestamp\":5,\"model\":\"m\",\"query\":\"q\"}\n"
         "{\"request_id\":\"p\",\"timestamp\":9,\"path\":\"/p\"}\n");
  store_close(s);
  struct buf error = {0};
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  CHECK(luaL_dostring(
            L, "local s = dofile 'lua/schema.lua' local c = s.columns c[3], c[10] = c[10], c[3]\n"
               "table.insert(c, 5, { 'zone', 'string' }) return s") == LUA_OK);
  struct schema *old = s->schema;
  s->schema = schema_load(L, &error);
  lua_close(L);
  store_open(s);
  put(s, "{\"request_id\":\"p\",\"timestamp\":7,\"path\":\"/"
         "late\",\"query\":\"z\",\"zone\":\"here\"}\n");
  char *row = row_json(s, "p");
  CHECK(strstr(row, "\"path\":\"/p\"") != NULL && strstr(row, "\"query\":\"z\"") != NULL);
  CHECK(strstr(row, "\"model\":\"m\"") != NULL && strstr(row, "\"zone\":\"here\"") != NULL);
  free(row);
  store_remove(s);
  schema_free(old);
}

static void put_many(struct store *s, int from, int to, uint32_t accepted) {
  struct buf text = {0};
  for (int i = from; i < to; i++)
    buf_printf(&text, "{\"request_id\":\"many-%d\",\"timestamp\":%d,\"tokens_output\":1}\n", i,
               1750000000 + i);
  buf_putc(&text, '\0');
  struct submission w = put(s, text.data);
  CHECK(w.status == 0 && w.accepted == accepted && w.merged == (uint32_t) (to - from) - accepted);
  buf_clear(&text);
}

static void expect_output(struct store *s, int64_t tokens) {
  restart(s);
  CHECK(number(s, "SELECT sum(tokens_output) FROM rollup_all WHERE tier = 2") == tokens);
}

/* Rows that retention took are known while their ids stay, whether those are in memory or in the
 * file. */
static void test_rows_that_are_gone(void) {
  struct store *s = store_new();
  s->options.dedupe_max_ids = 4000;
  store_open(s);
  for (int i = 0; i < 20000; i += 1000)
    put_many(s, i, i + 1000, 1000);
  exec(s, "DELETE FROM rows WHERE rowid <= 10 OR rowid > 19990");
  put_many(s, 0, 20, 0);
  put_many(s, 19980, 20000, 0);
  restart(s);
  put_many(s, 0, 20, 0);
  CHECK(number(s, "SELECT count(*) FROM rows") == 19980);
  expect_output(s, 20000);
  put_many(s, 20000, 20010, 10);
  expect_output(s, 20010);
  store_remove(s);
}

/* A file of before there were filters gets them; one that does not fit its segment is made anew. */
static void test_filters_are_made(void) {
  static const char *const old[] = {"NULL", "x'00'"};
  for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
    struct store *s = store_new();
    char sql[80];
    s->options.dedupe_max_ids = 2000;
    store_open(s);
    for (int k = 0; k < 20000; k += 1000)
      put_many(s, k, k + 1000, 1000);
    store_close(s);
    snprintf(sql, sizeof sql, "UPDATE segments SET filter = %s", old[i]);
    exec(s, sql);
    store_open(s);
    put_many(s, 0, 20000, 0);
    put_many(s, 20000, 20010, 10);
    while (number(s, "SELECT count(*) FROM segments WHERE coalesce(length(filter), 0) < 64") > 0)
      put_many(s, 0, 1, 0);
    put_many(s, 0, 20010, 0);
    CHECK(count_rows(s) == 20010);
    store_remove(s);
  }
}

/* One that is started and stopped every day does not get a segment for each. */
static void test_small_segments_are_joined(void) {
  enum { DAYS = 12, A_DAY = 5000 };
  struct store *s = store_new();
  for (int day = 0; day < DAYS; day++) {
    store_open(s);
    put_many(s, day * A_DAY, (day + 1) * A_DAY, A_DAY);
    store_close(s);
  }
  CHECK(number(s, "SELECT count(*) FROM segments") <= 4);
  CHECK(number(s, "SELECT sum(ids) FROM segments") == DAYS * A_DAY);
  s->options.dedupe_max_ids = 1000;
  store_open(s);
  for (int day = 0; day < DAYS; day++)
    put_many(s, day * A_DAY, (day + 1) * A_DAY, 0);
  store_remove(s);
}

/* An id that a row got after a segment had it: it stays known when the server ends before the next
 * segment, and a segment of such ids alone hides no other. */
static void test_late_ids(void) {
  static const char late[] =
      "{\"request_id\":\"many-0\",\"other_id\":\"late\",\"timestamp\":1750000000}";
  static const char again[] = "{\"request_id\":\"late\",\"timestamp\":1750000000}";
  struct store *s = store_new();
  store_open(s);
  put_many(s, 0, 20000, 20000);
  restart(s);
  put_many(s, 20000, 25000, 5000);
  restart(s);
  CHECK(number(s, "SELECT count(*) FROM segments") == 2);
  CHECK(put(s, late).merged == 1);
  restart(s);
  CHECK(put(s, again).merged == 1);
  store_close(s);
  s->options.hot_days = 2;
  s->options.dedupe_hours = 0;
  store_open(s);
  while (number(s, "SELECT count(*) FROM late_ids") > 0) /* until the first day is sealed */
    usleep(10000);
  restart(s);
  put_many(s, 0, 25000, 0);
  CHECK(put(s, again).merged == 1);
  store_remove(s);
}

static void test_filter(void) {
  enum { IDS = 100000 };
  struct hash_seed seed = {1, 2};
  struct id_filter f;
  int wrong = 0;
  id_filter_init(&f, IDS);
  CHECK(id_filter_bytes(&f) * 8 <= 12 * IDS);
  for (int64_t i = 0; i < IDS; i++)
    id_filter_add(&f, (int64_t) hash_bytes(&seed, &i, sizeof i));
  for (int64_t i = 0; i < IDS; i++)
    CHECK(id_filter_may_have(&f, (int64_t) hash_bytes(&seed, &i, sizeof i)));
  for (int64_t i = IDS; i < 2 * IDS; i++)
    wrong += id_filter_may_have(&f, (int64_t) hash_bytes(&seed, &i, sizeof i));
  printf("%d of %d are let through for nothing\n", wrong, IDS);
  CHECK(wrong < IDS / 150);
  id_filter_clear(&f);
  CHECK(id_filter_may_have(&f, 5));
}

int main(void) {
  test_orders();
  test_another_schema();
  test_rows_that_are_gone();
  test_filters_are_made();
  test_small_segments_are_joined();
  test_late_ids();
  test_filter();
  return TEST_END;
}
