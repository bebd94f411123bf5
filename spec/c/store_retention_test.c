#include <sqlite3.h>

#include "store_fixture.h"

/* What retention takes, what stays countable when it has, and that ids which went are known. */

enum { DAYS = 10, A_DAY = 400 };

static const int64_t day_s = 86400;
static int64_t today_s;

/* DAYS days of records at odd seconds, the last of them today. */
static struct batch *records(struct store *s) {
  struct buf text = {0};
  for (int day = 0; day < DAYS; day++)
    for (int i = 0; i < A_DAY; i++)
      buf_printf(&text,
                 "{\"request_id\":\"%d-%d\",\"timestamp\":%lld,\"model\":\"m%d\",\"user\":\"u%d\","
                 "\"tokens_input\":%d,\"session_client_id\":\"s%d\",\"duration_ms\":%d}\n",
                 day, i, (long long) (today_s - (DAYS - 1 - day) * day_s + i * 7), i % 3, i % 5, i,
                 i % 4, i + 1);
  buf_putc(&text, '\0');
  struct batch *b = scan(s, text.data);
  buf_clear(&text);
  return b;
}

static void fill(struct store *s) {
  struct batch *b = records(s);
  CHECK(put_batch(s, b).accepted == DAYS * A_DAY);
  batch_free(b);
}

static struct storage_stats stats_of(struct store *s) {
  struct storage_stats stats;
  storage_stats(s->storage, &stats);
  return stats;
}

/* Wants something else taken, and waits until a pass has taken it. */
static void retain(struct store *s, struct retention wanted) {
  int64_t passes = stats_of(s).passes;
  storage_set_retention(s->storage, &wanted);
  for (int i = 0; i < TEST_SECONDS * 100 && stats_of(s).passes == passes; i++)
    usleep(10000);
  CHECK(stats_of(s).passes > passes);
}

static uint64_t measures; /* that are asked for; 0: all */

struct asked {
  int64_t requests, tokens, slow;
  bool exact, snapped;
  int64_t from;
  size_t groups;
};

static void add_time(struct conditions *c, int column, enum condition_op op, int64_t us) {
  conditions_add(c, column, op);
  conditions_value(c, (union value){.i = us});
}

static struct asked ask_window(struct store *s, const char *by, int64_t every_s, int64_t from_us,
                               int64_t to_us) {
  struct asked asked = {0};
  struct query *q = query_new(QUERY_AGGREGATE);
  q->where = conditions_new();
  if (from_us != INT64_MIN)
    add_time(q->where, s->schema->time, OP_GE, from_us);
  if (to_us != INT64_MAX)
    add_time(q->where, s->schema->time, OP_LT, to_us);
  q->questions = calloc(1, sizeof *q->questions);
  q->nquestions = 1;
  q->questions->every_s = every_s;
  q->questions->measures = measures;
  if (by != NULL)
    q->questions->by[q->questions->nby++] = column(s, by);
  ask(s, q);
  CHECK(q->status == 0);
  const struct question *question = q->questions;
  for (size_t i = 0; i < question->rows.nrows; i++) {
    if (schema_measure(s->schema, "slow", 4) >= 0 && measures == 0)
      asked.slow += cell_of(&question->rows, i, "slow").value.i;
    asked.requests += cell_of(&question->rows, i, "requests").value.i;
    asked.tokens += cell_of(&question->rows, i, "tokens_input").value.i;
  }
  asked.exact = !question->inexact;
  asked.snapped = question->snapped;
  asked.from = question->used_from;
  asked.groups = question->rows.nrows;
  query_free(q);
  return asked;
}

static struct asked ask_all(struct store *s, const char *by) {
  return ask_window(s, by, 0, INT64_MIN, INT64_MAX);
}

enum { TOKENS = DAYS * A_DAY * (A_DAY - 1) / 2 };

/* All that ever was, from the cells, and only what is there, where rows are asked for. */
static void check_figures(struct store *s, int64_t rows) {
  static const char *const kept[] = {NULL, "model", "user", "session_client_id"};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    struct asked a = ask_all(s, kept[i]);
    CHECK(a.requests == DAYS * A_DAY && a.tokens == TOKENS && a.exact);
  }
  struct asked a = ask_all(s, "tokens_input"); /* which no set has */
  CHECK(a.requests == rows && a.exact == (rows == DAYS * A_DAY));
  CHECK(count_rows(s) == rows && stats_of(s).rows == rows);
}

static void check_windows(struct store *s) {
  int64_t day_us = day_s * 1000000, first = (today_s - 8 * day_s) * 1000000, minute = 60000000;
  /* from the middle of a minute, and of an hour where minutes will have gone */
  struct asked a = ask_window(s, NULL, 0, first + 30000000, first + day_us);
  CHECK(a.requests == A_DAY && !a.exact && a.snapped && a.from == first);
  a = ask_window(s, NULL, 0, first + minute, first + day_us);
  CHECK(a.requests == A_DAY - 9 && a.exact && !a.snapped);
  a = ask_window(s, "session_client_id", 0, first + minute, first + day_us);
  CHECK(a.requests == A_DAY && !a.exact && a.from == first);
  a = ask_window(s, NULL, 3600, INT64_MIN, first + 2 * day_us);
  CHECK(a.requests == 3 * A_DAY && a.exact && a.groups == 3);
  /* rows are there, and nothing moves */
  int64_t recent = (today_s - day_s) * 1000000;
  a = ask_window(s, "session_client_id", 0, recent + 7 * 10000000, recent + day_us);
  CHECK(a.requests == A_DAY - 10 && a.exact && !a.snapped);
}

static void check_repeats(struct store *s) {
  struct asked before = ask_all(s, "model");
  struct submission w = put(s, "{\"request_id\":\"0-1\",\"tokens_input\":77777}\n");
  CHECK(w.status == 0 && w.merged == 1 && w.accepted == 0);
  struct asked after = ask_all(s, "model");
  CHECK(before.tokens == after.tokens && before.requests == after.requests);
  char *row = row_json(s, "0-1");
  CHECK(*row == '\0');
  free(row);
}

static void test_ages(void) {
  struct store *s = store_new();
  store_open(s);
  fill(s);
  check_figures(s, DAYS * A_DAY);
  retain(s, (struct retention){.rows_s = 3 * day_s});
  int64_t left = count_rows(s);
  CHECK(left == 4 * A_DAY);
  check_figures(s, left);
  check_windows(s);
  check_repeats(s);
  store_close(s);
  store_open(s); /* which wants nothing any more */
  check_figures(s, left);
  check_windows(s);
  check_repeats(s);

  retain(s, (struct retention){.rows_s = 3 * day_s, .tiers_s[TIER_MINUTE] = 2 * day_s});
  CHECK(stats_of(s).removed.cells > 0);
  check_figures(s, left);
  int64_t first = (today_s - 8 * day_s) * 1000000;
  struct asked a = ask_window(s, NULL, 0, first + 60000000, first + day_s * 1000000);
  CHECK(a.requests == A_DAY && !a.exact && a.from == first);
  a = ask_window(s, NULL, 60, INT64_MIN, INT64_MAX);
  CHECK(a.snapped && !a.exact && a.requests == 4 * A_DAY);

  retain(s, (struct retention){.rows_s = 3 * day_s, .tiers_s = {day_s, 5 * day_s, 7 * day_s}});
  a = ask_all(s, "session_client_id");
  CHECK(a.requests == 8 * A_DAY && a.snapped && !a.exact);
  CHECK(a.from == (today_s - 7 * day_s) * 1000000);
  CHECK(put(s, "{\"request_id\":\"new\",\"tokens_input\":1}\n").accepted == 1);
  CHECK(count_rows(s) == left + 1);
  CHECK(reset(s).status == 0);
  fill(s);
  check_figures(s, DAYS * A_DAY);
  store_remove(s);
}

/* The newest row may go, and its number never comes again. */
static void test_all_rows_go(void) {
  struct store *s = store_new();
  store_open(s);
  put(s, "{\"request_id\":\"a\",\"timestamp\":1600000000,\"tokens_input\":3}\n");
  put(s, "{\"request_id\":\"b\",\"timestamp\":1600000001,\"tokens_input\":4}\n");
  retain(s, (struct retention){.rows_s = 60});
  CHECK(count_rows(s) == 0 && ask_all(s, NULL).tokens == 7);
  for (int i = 0; i < 2; i++) {
    CHECK(put(s, "{\"request_id\":\"b\",\"tokens_input\":9}\n").merged == 1);
    CHECK(put(s, i == 0 ? "{\"request_id\":\"c\"}\n" : "{\"request_id\":\"d\"}\n").accepted == 1);
    CHECK(storage_last_row(s->storage) == 3 + i);
    CHECK(ask_all(s, NULL).tokens == 7 && ask_all(s, NULL).requests == 3 + i);
    store_close(s);
    store_open(s);
    CHECK(stats_of(s).rows == 1 + i && storage_last_row(s->storage) == 3 + i);
  }
  store_remove(s);
}

/* lua/schema.lua with other words. */
static struct schema *schema_with(const char *const words[][2], size_t n) {
  struct buf error = {0};
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_loadstring(L, "local file = io.open 'lua/schema.lua' return file:read 'a'");
  lua_call(L, 0, 1);
  for (size_t i = 0; i < n; i++) {
    CHECK(strstr(lua_tostring(L, -1), words[i][0]) != NULL);
    luaL_gsub(L, lua_tostring(L, -1), words[i][0], words[i][1]);
  }
  CHECK(luaL_dostring(L, lua_tostring(L, -1)) == LUA_OK);
  struct schema *schema = schema_load(L, &error);
  CHECK(schema != NULL);
  lua_close(L);
  return schema;
}

static void reopen_with(struct store *s, struct schema *schema) {
  store_close(s);
  schema_free(s->schema);
  s->schema = schema;
  store_open(s);
  while (stats_of(s).rebuilding)
    usleep(1000);
}

/* Figures that both declarations have are whole, from before the rows that are there, too. */
static void check_kept(struct store *s) {
  static const char *const kept[] = {NULL, "model", "user", "session_client_id"};
  measures = UINT64_C(1) << schema_measure(s->schema, "requests", 8) |
             UINT64_C(1) << schema_measure(s->schema, "tokens_input", 12);
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    struct asked a = ask_all(s, kept[i]);
    CHECK(a.requests == DAYS * A_DAY && a.tokens == TOKENS && a.exact);
  }
  measures = 0;
}

static void test_declarations(void) {
  static const char *const words[][2] = {
      {"{ \"requests\" },",
       "{ \"requests\" }, { \"slow\", when = { { \"duration_ms\", \">\", 100 } } },"},
      {"{ by = { \"team\" },", "{ by = { \"host\" },"},
      {"{ by = { \"user\" }, tiers = { \"hour\", \"day\" }, max_keys = 2000 }",
       "{ by = { \"user\" }, tiers = { \"minute\", \"hour\", \"day\" }, max_keys = 1000 }"},
      {"value = \"tokens_output\", per", "value = \"tokens_input\", per"},
  };
  int64_t first_us = (today_s - 3 * day_s) * 1000000;
  struct store *s = store_new();
  store_open(s);
  fill(s);
  retain(s, (struct retention){.rows_s = 3 * day_s});
  reopen_with(s, schema_with(words, sizeof words / sizeof *words));
  check_kept(s);
  struct asked a = ask_all(s, NULL);
  CHECK(a.requests == DAYS * A_DAY && !a.exact && !a.snapped && a.slow == 4 * (A_DAY - 100));
  a = ask_window(s, "model", 0, first_us, INT64_MAX);
  CHECK(a.requests == 4 * A_DAY && a.exact && a.slow == 4 * (A_DAY - 100));
  a = ask_all(s, "host");
  CHECK(a.requests == 4 * A_DAY && a.snapped && a.from == first_us);
  a = ask_window(s, "user", 60, INT64_MIN, INT64_MAX);
  CHECK(a.requests == 4 * A_DAY && a.snapped && a.from == first_us);

  /* A merge into a row whose day was made anew changes it once; then back again. */
  CHECK(put(s, "{\"request_id\":\"9-0\",\"tokens_input\":5}\n").merged == 1);
  CHECK(ask_all(s, "model").tokens == TOKENS + 5);
  CHECK(put(s, "{\"request_id\":\"9-0\",\"tokens_input\":0}\n").merged == 1);
  int64_t tokens = ask_all(s, "model").tokens;
  reopen_with(s, load_schema());
  CHECK(ask_all(s, "model").tokens == tokens && ask_all(s, "user").requests == DAYS * A_DAY);
  a = ask_all(s, "team"); /* which was not declared for a while */
  CHECK(a.requests == 4 * A_DAY && a.snapped && !a.exact && a.from == first_us);
  store_remove(s);
}

static void test_bytes(void) {
  struct store *s = store_new();
  store_open(s);
  fill(s);
  char extra[4000];
  memset(extra, 'x', sizeof extra - 1);
  extra[sizeof extra - 1] = '\0';
  for (int i = 0; i < 1000; i++) {
    char text[4200];
    snprintf(text, sizeof text,
             "{\"request_id\":\"big-%d\",\"timestamp\":%lld,\"more\":\"%s\"}\n", i,
             (long long) (today_s - 4 * day_s + i * 60), extra);
    put(s, text);
  }
  retain(s, (struct retention){.max_bytes = 4 << 20});
  struct storage_stats stats = stats_of(s);
  CHECK(stats.file_bytes + stats.wal_bytes <= 4 << 20);
  CHECK(stats.removed.bytes > 0 && stats.rows > 0);
  char *newest = row_json(s, "big-999"), *oldest = row_json(s, "big-0");
  CHECK(*newest != '\0' && *oldest == '\0');
  free(newest);
  free(oldest);
  CHECK(ask_all(s, NULL).requests == DAYS * A_DAY + 1000);
  store_remove(s);
}

/* Of the table alone. */
static int64_t hot_rows(struct store *s) {
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  int64_t n = -1;
  sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READONLY, NULL);
  sqlite3_busy_timeout(db, 1000);
  if (sqlite3_prepare_v2(db, "SELECT count(*) FROM rows", -1, &stmt, NULL) == SQLITE_OK &&
      sqlite3_step(stmt) == SQLITE_ROW)
    n = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  sqlite3_close(db);
  return n;
}

static void test_parts(void) {
  struct store *s = store_new();
  s->options.hot_days = 2;
  store_open(s);
  fill(s);
  for (int i = 0; i < TEST_SECONDS * 100 && hot_rows(s) > 2 * A_DAY; i++)
    usleep(10000);
  CHECK(hot_rows(s) == 2 * A_DAY);
  check_figures(s, DAYS * A_DAY);
  CHECK(put(s, "{\"request_id\":\"2-7\",\"status_code\":404}\n").merged == 1);
  retain(s, (struct retention){.rows_s = 3 * day_s});
  CHECK(stats_of(s).removed.parts == 6);
  check_figures(s, 4 * A_DAY);
  check_windows(s);
  check_repeats(s);
  store_close(s);
  store_open(s);
  check_figures(s, 4 * A_DAY);
  check_repeats(s);
  store_remove(s);
}

int main(void) {
  today_s = clock_now_us() / 1000000 / day_s * day_s;
  test_ages();
  test_all_rows_go();
  test_declarations();
  test_bytes();
  test_parts();
  return TEST_END;
}
