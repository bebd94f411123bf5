#include <sqlite3.h>
#include <sys/stat.h>
#include <zlib.h>

#include "upkeep_fixture.h"

/* What verify finds and repairs, and what becomes of parts: files are changed behind the store's
 * back. */

static void exec(const char *path, const char *sql) {
  sqlite3 *db;
  CHECK(sqlite3_open(path, &db) == SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
    fprintf(stderr, "%s\n", sqlite3_errmsg(db));
    CHECK(false);
  }
  sqlite3_close(db);
}

static struct upkeep_state verify(struct store *s, bool repair) {
  return upkeep_do(s, s->path, &(struct upkeep_order){
    .kind = UPKEEP_VERIFY, .full = true, .repair = repair});
}

static const struct upkeep_check *check_of(const struct upkeep_state *state, const char *name) {
  for (size_t i = 0; i < state->report.nchecks; i++)
    if (strcmp(state->report.checks[i].name, name) == 0)
      return &state->report.checks[i];
  fprintf(stderr, "no check %s: %s\n", name, state->error);
  abort();
}

static bool is_fine(const struct upkeep_state *state) {
  for (size_t i = 0; i < state->report.nchecks; i++)
    if (state->report.checks[i].faults > 0) {
      fprintf(stderr, "%s\n", state->report.checks[i].detail);
      return false;
    }
  return state->status == 0;
}

/* Three days, a model for each of seven, users beyond what a set keeps apart. */
static void fill(struct store *s) {
  store_open(s);
  for (int batch = 0; batch < 3; batch++) {
    struct buf text = {0};
    for (int i = batch * 3000; i < batch * 3000 + 3000; i++)
      buf_printf(&text,
                 "{\"request_id\":\"r%d\",\"timestamp\":%d,\"model\":\"m%d\",\"user\":\"u%d\","
                 "\"duration_ms\":%d.5,\"cost_usd\":0.001}\n",
                 i, 1750000000 + i * 20, i % 7, i, i % 100);
    buf_putc(&text, '\0');
    CHECK(put(s, text.data).status == 0);
    buf_clear(&text);
  }
  put(s, "{\"request_id\":\"r5\",\"model\":\"changed\",\"duration_ms\":7}\n");
  store_close(s);
}

static void seal(struct store *s) {
  s->options.hot_days = 2;
  store_open(s);
  wait_until(s, "SELECT count(*) >= 3 AND " AT_REST);
  store_close(s);
}

static void test_cells_are_what_rows_make(bool sealed) {
  struct store *s = store_new();
  fill(s);
  if (sealed)
    seal(s);
  struct upkeep_state state = verify(s, false);
  CHECK(is_fine(&state));
  CHECK(check_of(&state, "cells")->seen == 9000 && check_of(&state, "ids")->seen == 9000);
  exec(s->path, "UPDATE rollup_model SET requests = requests + 1 WHERE model = 'm3' AND tier = 1;"
                "UPDATE rollup_user SET requests = 0 WHERE tier = 2 AND user = '(other)'");
  state = verify(s, false);
  CHECK(check_of(&state, "cells")->faults > 1);
  CHECK(strstr(check_of(&state, "cells")->detail, "rollup_model, tier hour") != NULL);
  CHECK(!check_of(&state, "cells")->repaired && check_of(&state, "ids")->faults == 0);

  state = verify(s, true);
  CHECK(check_of(&state, "cells")->repaired);
  store_open(s);
  wait_until_rebuilt(s);
  store_close(s);
  state = verify(s, false);
  CHECK(is_fine(&state));
  store_remove(s);
}

static struct rollup_set *set_of(struct store *s, const char *name) {
  struct rollup_set *set = s->schema->sets;
  while (strcmp(set->name, name) != 0)
    set++;
  return set;
}

/* Records of hours that are over when they come: all at once, late ones, some that change, and more
 * users than an hour keeps apart, of which one bears the others' name. */
static void test_cells_of_hours_that_are_over(void) {
  struct store *s = store_new();
  set_of(s, "user")->max_keys = 40;
  store_open(s);
  for (int batch = 0; batch < 2; batch++) {
    struct buf text = {0};
    for (int i = 0; i < 4000; i++) {
      buf_printf(&text,
                 "{\"request_id\":\"r%d-%d\",\"timestamp\":%d,\"model\":\"m%d\","
                 "\"duration_ms\":%d.5,",
                 batch, i % 3900, 1750000000 + i * 10 - batch * 7, i % 7, i % 100);
      buf_printf(&text, i % 97 == 3 ? "\"user\":\"(other)\"}\n" : "\"user\":\"u%d\"}\n", i % 97);
    }
    buf_putc(&text, '\0');
    struct submission sent = put(s, text.data);
    CHECK(sent.accepted == 3900 && sent.merged == 100);
    buf_clear(&text);
  }
  wait_until(s,
             "SELECT sum(requests) = 7800 AND max(requests) FILTER (WHERE user = '(other)') > 200"
             " FROM rollup_user WHERE tier = 1");
  wait_until(s, "SELECT min(n) = 40 AND max(n) <= 41 FROM"
                " (SELECT count(*) AS n FROM rollup_user WHERE tier = 1 GROUP BY bucket)");
  wait_until(s, "SELECT sum(requests) = 7800 FROM rollup_model WHERE tier = 0");
  wait_until(s, "SELECT count(*) = 0 FROM (SELECT bucket, model, requests, duration_ms FROM"
                " rollup_model WHERE tier = 0 AND requests > 0"
                " EXCEPT SELECT timestamp / 60000000 * 60, model, count(*),"
                " sum(CAST(duration_ms * 1e6 AS INTEGER)) FROM rows GROUP BY 1, 2)");
  store_close(s);
  struct upkeep_state state = verify(s, false);
  CHECK(is_fine(&state));
  CHECK(check_of(&state, "cells")->seen == 7800);
  store_remove(s);
}

static void test_ids_are_those_of_rows(bool sealed) {
  struct store *s = store_new();
  fill(s);
  if (sealed)
    seal(s);
  exec(s->path, "DELETE FROM ids WHERE first = (SELECT min(first) FROM ids)");
  exec(s->path, "DROP TABLE late_ids"); /* as in a file of an earlier day */
  struct upkeep_state state = verify(s, false);
  CHECK(check_of(&state, "ids")->faults > 0 && check_of(&state, "cells")->faults == 0);
  state = verify(s, true);
  CHECK(check_of(&state, "ids")->repaired);
  state = verify(s, false);
  CHECK(is_fine(&state) && check_of(&state, "ids")->seen == 9000);
  store_open(s);
  struct submission again = put(s, "{\"request_id\":\"r1\"}\n{\"request_id\":\"r8999\"}\n");
  CHECK(again.merged == 2);
  store_close(s);
  state = verify(s, false);
  CHECK(is_fine(&state) && check_of(&state, "ids")->seen == 9000);
  store_remove(s);
}

/* Fingerprints without their seed cannot be made anew; what can is all the same. */
static void test_repair_without_a_seed(void) {
  struct store *s = store_new();
  fill(s);
  exec(s->path, "DELETE FROM meta WHERE key = 'seed';"
                "UPDATE rollup_model SET requests = requests + 1 WHERE model = 'm3' AND tier = 1");
  struct upkeep_state state = verify(s, true);
  CHECK(state.status == 0);
  CHECK(strstr(check_of(&state, "ids")->detail, "restore a backup") != NULL);
  CHECK(!check_of(&state, "ids")->repaired && check_of(&state, "cells")->repaired);
  store_remove(s);
}

static int64_t rows_by_sql(struct store *s) {
  struct query *q = query_new(QUERY_SQL);
  buf_puts(&q->sql, "SELECT count(*) AS n FROM rows");
  ask(s, q);
  int64_t n = q->status == 0 ? cell_of(&q->rows, 0, "n").value.i : -1;
  if (n < 0)
    fprintf(stderr, "%s\n", q->error);
  query_free(q);
  return n;
}

/* Connections meet the table of both once more when the file has another schema. */
static void test_sql_where_a_table_came(void) {
  struct store *s = store_new();
  fill(s);
  seal(s);
  store_open(s);
  for (int i = 0; i < 3; i++) {
    char table[40];
    snprintf(table, sizeof table, "CREATE TABLE other%d(a)", i);
    for (int k = 0; k < 4; k++)
      CHECK(rows_by_sql(s) == 9000);
    exec(s->path, table);
  }
  CHECK(rows_by_sql(s) == 9000);
  store_remove(s);
}

static void test_repair_needs_the_file_alone(void) {
  struct store *s = store_new();
  store_open(s);
  struct upkeep_state state = verify(s, true);
  CHECK(state.status == UV_EAGAIN && strstr(state.error, "another Moonledger serves") != NULL);
  state = verify(s, false);
  CHECK(is_fine(&state));
  store_remove(s);
}

static void write_part(const char *folder, const char *name, const char *text) {
  char path[200];
  mkdir(folder, 0700);
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "w");
  fputs(text, f);
  fclose(f);
}

static bool has_part(const char *folder, const char *name, const char *text) {
  char path[200], found[40] = "";
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "r");
  if (f == NULL)
    return false;
  size_t len = fread(found, 1, sizeof found - 1, f);
  fclose(f);
  return len == strlen(text) && memcmp(found, text, len) == 0;
}

static void list_part(const char *path, const char *name, const char *text, int state) {
  char *sql = sqlite3_mprintf("INSERT INTO parts(file, state, bytes, checksum, day) "
                              "VALUES(%Q, %d, %d, %lld, 0)", name, state, (int) strlen(text),
                              (long long) crc32(0, (const Bytef *) text, (uInt) strlen(text)));
  exec(path, "CREATE TABLE IF NOT EXISTS parts(part INTEGER PRIMARY KEY, day, file, state, bytes, "
             "checksum)");
  exec(path, sql);
  sqlite3_free(sql);
}

static void remove_tree(const char *folder) {
  char command[200];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  CHECK(system(command) == 0);
}

/* Two databases whose parts stand in one folder, for they differ in no more than an ending. */
static void test_parts_go_with_their_database(void) {
  struct store *s = store_new();
  char cold[80], copy[80], copied[100], other[80];
  snprintf(cold, sizeof cold, "%s/test.cold", s->folder);
  snprintf(copy, sizeof copy, "%s/copy", s->folder);
  snprintf(copied, sizeof copied, "%s/copy/test.cold", s->folder);
  snprintf(other, sizeof other, "%s/back/test.cold", s->folder);
  store_open(s);
  put(s, "{\"request_id\":\"a\"}\n");
  store_close(s);
  write_part(cold, "mine.parquet", "part one");
  write_part(cold, "other.parquet", "of another database");
  list_part(s->path, "mine.parquet", "part one", 1);
  list_part(s->path, "dropped.parquet", "gone", 2);

  struct upkeep_order backup = {.kind = UPKEEP_BACKUP, .folder = copy};
  struct upkeep_state state = upkeep_do(s, s->path, &backup);
  CHECK(is_fine(&state) && check_of(&state, "parts")->seen == 1);
  CHECK(has_part(copied, "mine.parquet", "part one") &&
        !has_part(copied, "other.parquet", "of another database"));

  /* Back beside parts that are newer, and beside one that is there. */
  char back[80];
  snprintf(back, sizeof back, "%s/back/test.db", s->folder);
  snprintf(cold, sizeof cold, "%s/back", s->folder);
  mkdir(cold, 0700);
  write_part(other, "newer.parquet", "of a later day");
  write_part(other, "mine.parquet", "part one");
  struct upkeep_order restore = {.kind = UPKEEP_RESTORE, .folder = copy};
  state = upkeep_do(s, back, &restore);
  CHECK(is_fine(&state));
  CHECK(has_part(other, "newer.parquet", "of a later day") &&
        has_part(other, "mine.parquet", "part one"));
  state = upkeep_do(s, back, &(struct upkeep_order){.kind = UPKEEP_VERIFY});
  CHECK(is_fine(&state) && check_of(&state, "parts")->seen == 1);

  /* A part that is another is no part of this, and is not overwritten. */
  unlink(back);
  write_part(other, "mine.parquet", "what is it");
  state = upkeep_do(s, back, &restore);
  CHECK(state.status == UV_EEXIST && strstr(state.error, "move it away") != NULL);
  CHECK(access(back, F_OK) < 0 && has_part(other, "mine.parquet", "what is it"));
  remove_tree(cold);
  remove_tree(copy);
  snprintf(cold, sizeof cold, "%s/test.cold", s->folder);
  remove_tree(cold);
  store_remove(s);
}

static void test_parts_are_what_was_written(void) {
  struct store *s = store_new();
  char cold[80], copy[80];
  snprintf(cold, sizeof cold, "%s/test.cold", s->folder);
  snprintf(copy, sizeof copy, "%s/copy", s->folder);
  store_open(s);
  put(s, "{\"request_id\":\"a\"}\n");
  store_close(s);
  write_part(cold, "one.parquet", "part onE");
  list_part(s->path, "one.parquet", "part one", 1);
  struct upkeep_order verify_parts = {.kind = UPKEEP_VERIFY};
  struct upkeep_order backup = {.kind = UPKEEP_BACKUP, .folder = copy};
  struct upkeep_state state = upkeep_do(s, s->path, &verify_parts);
  CHECK(check_of(&state, "parts")->faults == 1);
  CHECK(strstr(check_of(&state, "parts")->detail, "not what was written") != NULL);
  state = upkeep_do(s, s->path, &backup);
  CHECK(state.status == UV_EIO && access(copy, F_OK) < 0);

  remove_tree(cold);
  state = upkeep_do(s, s->path, &verify_parts);
  CHECK(check_of(&state, "parts")->faults == 1);
  state = upkeep_do(s, s->path, &backup);
  CHECK(state.status == UV_ENOENT && strstr(state.error, "are not there") != NULL);
  CHECK(access(copy, F_OK) < 0);
  store_remove(s);
}

/* A database of somebody else's must not lead to files outside of its folder. */
static void test_parts_stand_in_their_folder(void) {
  static const char *const names[] = {"../victim", "/victim", "day=1/../../victim", ".", ""};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (int part_state = 0; part_state < 3; part_state++) {
      struct store *s = store_new();
      char cold[80], copy[80];
      snprintf(cold, sizeof cold, "%s/test.cold", s->folder);
      snprintf(copy, sizeof copy, "%s/copy", s->folder);
      store_open(s);
      put(s, "{\"request_id\":\"a\"}\n");
      store_close(s);
      mkdir(cold, 0700);
      write_part(s->folder, "victim", "mine");
      list_part(s->path, names[i], "mine", part_state);
      struct upkeep_order backup = {.kind = UPKEEP_BACKUP, .folder = copy};
      struct upkeep_state state = upkeep_do(s, s->path, &backup);
      CHECK(part_state == 1 ? state.status == UV_EIO : is_fine(&state));
      struct buf error = {0};
      CHECK(storage_open(&s->storage, s->schema, &s->options, NULL, &error) == UV_EIO);
      CHECK(memmem(error.data, error.len, "malformed", 9) != NULL);
      CHECK(has_part(s->folder, "victim", "mine"));
      buf_clear(&error);
      remove_tree(copy);
      remove_tree(cold);
      store_remove(s);
    }
}

int main(void) {
  test_cells_are_what_rows_make(false);
  test_cells_are_what_rows_make(true);
  test_cells_of_hours_that_are_over();
  test_ids_are_those_of_rows(false);
  test_ids_are_those_of_rows(true);
  test_repair_without_a_seed();
  test_sql_where_a_table_came();
  test_repair_needs_the_file_alone();
  test_parts_go_with_their_database();
  test_parts_are_what_was_written();
  test_parts_stand_in_their_folder();
  return TEST_END;
}
