#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "store_fixture.h"

/* Which files are refused, with which words, and how an older one is brought up to the schema. */

static void exec(const char *path, const char *sql) {
  sqlite3 *db;
  CHECK(sqlite3_open(path, &db) == SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
    fprintf(stderr, "%s\n", sqlite3_errmsg(db));
  sqlite3_close(db);
}

static void expect_refused(struct store *s, const char *words) {
  struct buf error = {0};
  struct storage *storage = NULL;
  CHECK(storage_open(&storage, s->schema, &s->options, NULL, &error) < 0);
  CHECK(storage == NULL);
  buf_putc(&error, '\0');
  if (strstr(error.data, words) == NULL)
    fprintf(stderr, "no \"%s\" in \"%s\"\n", words, error.data);
  CHECK(strstr(error.data, words) != NULL);
  buf_clear(&error);
}

static void write_file(const char *path, const char *text, size_t repeats) {
  FILE *f = fopen(path, "w");
  while (repeats-- > 0)
    fputs(text, f);
  fclose(f);
}

static uint64_t hash_of(const char *path) {
  struct buf text = {0};
  FILE *f = fopen(path, "r");
  for (int c; (c = fgetc(f)) != EOF;)
    buf_putc(&text, (char) c);
  fclose(f);
  uint64_t hash = hash_bytes(hash_process_seed(), text.data, text.len);
  buf_clear(&text);
  return hash;
}

static void test_refuses_what_is_not_ours(void) {
  struct store *s = store_new();
  write_file(s->path, "this is a letter, not a database. ", 1000);
  expect_refused(s, "not a database");
  unlink(s->path);
  exec(s->path, "CREATE TABLE songs(title)");
  uint64_t before = hash_of(s->path);
  expect_refused(s, "belongs to another program");
  CHECK(hash_of(s->path) == before);
  unlink(s->path);
  store_open(s);
  store_close(s);
  exec(s->path, "PRAGMA user_version=99");
  expect_refused(s, "newer Moonledger");
  exec(s->path, "PRAGMA user_version=1; DROP TABLE meta");
  expect_refused(s, "no such table");
  store_remove(s);
}

static void test_refuses_a_second_server(void) {
  struct store *s = store_new();
  store_open(s);
  expect_refused(s, "another Moonledger serves this database");
  char link[80];
  snprintf(link, sizeof link, "%s/link.db", s->folder);
  CHECK(symlink(s->path, link) == 0);
  s->options.path = link;
  expect_refused(s, "another Moonledger serves this database");
  s->options.path = s->path;
  unlink(link);
  store_remove(s);
}

static void test_refuses_an_unwritable_folder(void) {
  struct store *s = store_new();
  char path[80];
  snprintf(path, sizeof path, "%s/file/test.db", s->folder);
  char file[64];
  snprintf(file, sizeof file, "%s/file", s->folder);
  write_file(file, "x", 1);
  s->options.path = path;
  expect_refused(s, file);
  s->options.path = "/proc/moonledger/test.db";
  expect_refused(s, "cannot be");
  unlink(file);
  store_remove(s);
}

static void test_refuses_what_is_no_file(void) {
  struct store *s = store_new();
  s->options.path = ":memory:";
  expect_refused(s, "\":memory:\": not a file; storage.path or --database names one");
  s->options.path = "";
  expect_refused(s, "not a file");
  s->options.path = "file:x?mode=memory";
  expect_refused(s, "not a file");
  CHECK(access(":memory:-lock", F_OK) < 0);
  store_remove(s);
}

static void test_makes_the_folder(void) {
  struct store *s = store_new();
  char path[80], folder[64];
  snprintf(folder, sizeof folder, "%s/deep", s->folder);
  snprintf(path, sizeof path, "%s/test.db", folder);
  s->options.path = path;
  store_open(s);
  CHECK(put(s, "{\"request_id\":\"a\"}\n").accepted == 1);
  store_close(s);
  unlink(path);
  strcat(path, "-lock");
  unlink(path);
  rmdir(folder);
  store_remove(s);
}

static void copy_file(const char *from, const char *to, size_t len) {
  char *bytes = calloc(1, len);
  int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CHECK(pread(in, bytes, len, 0) == (ssize_t) len && pwrite(out, bytes, len, 0) == (ssize_t) len);
  close(in);
  close(out);
  free(bytes);
}

/* Of a new file the header is on the disk at once, the log with the first record. */
static void test_a_power_cut_leaves_a_new_file_usable(void) {
  static const size_t logged[] = {0, 32, 60000};
  for (size_t i = 0; i < sizeof logged / sizeof *logged; i++) {
    struct store *s = store_new(), *cut = store_new();
    char log[80], cut_log[80];
    snprintf(log, sizeof log, "%s-wal", s->path);
    snprintf(cut_log, sizeof cut_log, "%s-wal", cut->path);
    store_open(s);
    copy_file(s->path, cut->path, 8192);
    copy_file(log, cut_log, logged[i]);
    store_open(cut);
    CHECK(put(cut, "{\"request_id\":\"a\"}\n").accepted == 1 && count_rows(cut) == 1);
    store_remove(cut);
    store_remove(s);
  }
}

static void test_damage_is_an_error(void) {
  struct store *s = store_new();
  store_open(s);
  for (int i = 0; i < 50; i++) {
    struct buf text = {0};
    for (int j = 0; j < 100; j++)
      buf_printf(&text, "{\"request_id\":\"d%d-%d\",\"model\":\"m%d\"}\n", i, j, j);
    buf_putc(&text, '\0');
    put(s, text.data);
    buf_clear(&text);
  }
  store_close(s);
  struct stat st;
  stat(s->path, &st);
  int fd = open(s->path, O_WRONLY);
  char garbage[8192];
  memset(garbage, 0x5a, sizeof garbage);
  for (off_t at = 8192 * 12; at < st.st_size; at += 8192)
    CHECK(pwrite(fd, garbage, sizeof garbage, at) == sizeof garbage);
  close(fd);
  struct buf error = {0};
  if (storage_open(&s->storage, s->schema, &s->options, NULL, &error) == 0) {
    CHECK(storage_start(s->storage) == 0);
    struct query *q = query_new(QUERY_SELECT);
    q->limit = 10000;
    ask(s, q);
    CHECK(q->status < 0 && q->error[0] != '\0');
    query_free(q);
  } else {
    CHECK(error.len > 0);
  }
  buf_clear(&error);
  store_remove(s);
}

static double requests_by(struct store *s, const char *by, size_t *groups) {
  struct query *q = query_new(QUERY_AGGREGATE);
  double sum = 0;
  q->nquestions = 1;
  q->questions = calloc(1, sizeof *q->questions);
  q->questions[0] = (struct question){.nby = 1, .by = {column(s, by)}};
  ask(s, q);
  CHECK(q->status == 0);
  *groups = q->questions[0].rows.nrows;
  for (size_t i = 0; i < *groups; i++)
    sum += (double) cell_of(&q->questions[0].rows, i, "requests").value.i;
  query_free(q);
  return sum;
}

static void put_rows(struct store *s, int from, int to) {
  struct buf text = {0};
  for (int i = from; i < to; i++)
    buf_printf(&text,
               "{\"request_id\":\"r%d\",\"timestamp\":%d,\"model\":\"m%d\",\"tokens_"
               "input\":1}\n",
               i, 1750000000 + i * 60, i % 7);
  buf_putc(&text, '\0');
  CHECK(put(s, text.data).status == 0);
  buf_clear(&text);
}

static void test_adds_columns_and_rebuilds_rollups(void) {
  struct store *s = store_new();
  size_t groups;
  store_open(s);
  for (int i = 0; i < 30000; i += 5000)
    put_rows(s, i, i + 5000);
  store_close(s);
  exec(s->path, "ALTER TABLE rows DROP COLUMN session_is_new;"
                "UPDATE rollup_model SET requests = 12345;"
                "UPDATE meta SET value = 'another layout' WHERE key = 'layout:model'");
  store_open(s);
  /* While they are rebuilt, rows answer, new ones are counted once, and merged ones too. */
  CHECK(requests_by(s, "model", &groups) == 30000 && groups == 7);
  put_rows(s, 29000, 32000);
  put(s, "{\"request_id\":\"r1\",\"model\":\"changed\"}\n{\"request_id\":\"r29999\","
         "\"model\":\"changed\"}\n");
  CHECK(requests_by(s, "model", &groups) == 32000 && groups == 8);
  wait_until_rebuilt(s);
  CHECK(requests_by(s, "model", &groups) == 32000 && groups == 8);
  char *json = row_json(s, "r5");
  CHECK(strstr(json, "\"session_is_new\":true") != NULL);
  free(json);
  store_close(s);

  exec(s->path, "UPDATE rollup_model SET requests = 2 * requests WHERE tier = 2");
  store_open(s);
  CHECK(requests_by(s, "model", &groups) == 64000); /* the cells did answer */
  store_remove(s);
}

static void put_teams(struct store *s, int from, int to) {
  struct buf text = {0};
  for (int i = from; i < to; i++)
    buf_printf(&text, "{\"request_id\":\"r%d\",\"timestamp\":%d,\"team\":\"t%d\",\"tag\":%d}\n", i,
               1750000000 + i * 60, i % 7, i);
  buf_putc(&text, '\0');
  CHECK(put(s, text.data).status == 0);
  buf_clear(&text);
}

/* The file as a program wrote it that did not know the column: its values are members of extra. */
static void make_older(struct store *s) {
  exec(s->path, "UPDATE rows SET extra = json_set(extra, '$.team', iif(rowid % 1000 = 0, 5, team));"
                "ALTER TABLE rows DROP COLUMN team;"
                "DROP TABLE rollup_team;"
                "DELETE FROM meta WHERE key = 'layout:team'");
}

static void test_fills_a_new_column_from_extra(void) {
  struct store *s = store_new();
  size_t groups;
  store_open(s);
  put_teams(s, 0, 12000);
  store_close(s);
  make_older(s);
  store_open(s);
  put_teams(s, 11000, 13000); /* some of them again */
  wait_until_rebuilt(s);
  CHECK(requests_by(s, "team", &groups) == 13000 &&
        groups == 8); /* what is no text stays where it is */
  char *json = row_json(s, "r10");
  CHECK(strstr(json, "\"team\":\"t3\",\"extra\":{\"tag\":10}}") != NULL);
  free(json);
  json = row_json(s, "r999");
  CHECK(strstr(json, "\"extra\":{\"tag\":999,\"team\":5}}") != NULL);
  free(json);
  store_close(s);

  /* A fill that was interrupted goes on where it was. */
  make_older(s);
  store_open(s);
  store_close(s);
  store_open(s);
  wait_until_rebuilt(s);
  CHECK(requests_by(s, "team", &groups) == 13000 && groups == 8);
  store_remove(s);
}

static int64_t count_of(struct store *s, const char *name) {
  struct query *q = query_new(QUERY_SQL);
  buf_printf(&q->sql, "SELECT count(*) AS n FROM sqlite_schema WHERE name = '%s'", name);
  ask(s, q);
  CHECK(q->status == 0);
  int64_t n = cell_of(&q->rows, 0, "n").value.i;
  query_free(q);
  return n;
}

/* It was made by the first entry, and without the index by topic. */
static void test_completes_an_older_journal(void) {
  struct store *s = store_new();
  store_open(s);
  CHECK(count_of(s, "journal") == 1);
  store_close(s);
  exec(s->path, "INSERT INTO journal(topic) VALUES('a'); DROP INDEX journal_topic");
  store_open(s);
  CHECK(count_of(s, "journal_topic") == 1);
  store_close(s);
  exec(s->path, "DROP TABLE journal");
  store_open(s);
  CHECK(count_of(s, "journal_topic") == 1);
  CHECK(reset(s).status == 0);
  store_remove(s);
}

/* More keys than a bucket may have: the rest is one key, which says so, and a filter is answered
 * from rows. */
static void test_bounds_the_keys_of_a_bucket(void) {
  struct store *s = store_new();
  size_t groups;
  s->schema->sets[7].max_keys = 5;
  store_open(s);
  put_teams(s, 0, 1000);
  put(s, "{\"request_id\":\"r6\",\"team\":\"t6\",\"tokens_input\":3}\n"); /* counted out and in
                                                                             again */
  CHECK(requests_by(s, "team", &groups) == 1000 && groups >= 6);
  store_close(s); /* all of it is in cells */
  store_open(s);
  struct query *q = query_new(QUERY_AGGREGATE);
  q->nquestions = 1;
  q->questions = calloc(1, sizeof *q->questions);
  q->questions[0] = (struct question){.nby = 1, .by = {column(s, "team")}};
  ask(s, q);
  CHECK(q->status == 0 && q->questions[0].inexact && q->questions[0].rows.nrows >= 6);
  query_free(q);

  q = query_new(QUERY_COUNT);
  q->where = conditions_new();
  conditions_add(q->where, column(s, "team"), OP_EQ);
  conditions_value_text(q->where, "t6", 2);
  ask(s, q);
  CHECK(q->status == 0 && q->count == 142);
  query_free(q);
  store_remove(s);
}

int main(void) {
  test_fills_a_new_column_from_extra();
  test_completes_an_older_journal();
  test_bounds_the_keys_of_a_bucket();
  test_refuses_what_is_not_ours();
  test_refuses_a_second_server();
  test_refuses_an_unwritable_folder();
  test_refuses_what_is_no_file();
  test_makes_the_folder();
  test_a_power_cut_leaves_a_new_file_usable();
  test_damage_is_an_error();
  test_adds_columns_and_rebuilds_rollups();
  return TEST_END;
}
