#include <stdatomic.h>

#include "base/log.h"
#include "store_fixture.h"
#include "vfs_fixture.h"

/* SQLite over a file system whose n-th call fails, for each n once, alone, and for some
 * with all that follow: the store answers with words, nothing that was acknowledged is
 * missing, and when the file system is well again, so is the store. */

static atomic_int left; /* calls until one fails */
static atomic_bool armed, goes_on, writes; /* writes: only those fail */

static int on_call(enum vfs_call call, const char *name, int64_t size) {
  static const int codes[] = {
      [VFS_OPEN] = SQLITE_CANTOPEN,        [VFS_READ] = SQLITE_IOERR_READ,
      [VFS_WRITE] = SQLITE_FULL,           [VFS_TRUNCATE] = SQLITE_IOERR_TRUNCATE,
      [VFS_SYNC] = SQLITE_IOERR_FSYNC,     [VFS_SIZE] = SQLITE_IOERR_FSTAT,
      [VFS_LOCK] = SQLITE_IOERR_LOCK,      [VFS_MAP] = SQLITE_IOERR_SHMMAP,
      [VFS_MAP_LOCK] = SQLITE_IOERR_SHMLOCK};
  (void) name, (void) size;
  if (!atomic_load(&armed) || call == VFS_MAP_UNLOCK ||
      (atomic_load(&writes) && call != VFS_WRITE))
    return SQLITE_OK;
  int n = atomic_fetch_sub(&left, 1);
  return n == 1 || (n < 1 && atomic_load(&goes_on)) ? codes[call] : SQLITE_OK;
}

static bool try_open_only(struct store *s) {
  struct buf error = {0};
  int status = storage_open(&s->storage, s->schema, &s->options, NULL, &error);
  CHECK((status == 0) == (error.len == 0));
  buf_clear(&error);
  return status == 0;
}

static bool try_open(struct store *s) {
  bool open = try_open_only(s);
  if (open)
    CHECK(storage_start(s->storage) == 0);
  return open;
}

static bool try_put(struct store *s, const char *id) {
  char text[100];
  snprintf(text, sizeof text,
           "{\"request_id\":\"%s\",\"timestamp\":1750000000,\"tokens_input\":1}\n", id);
  struct submission w = put(s, text);
  CHECK(w.status == 0 ? w.accepted + w.merged == 1 : w.status < 0 && w.error[0] != '\0');
  return w.status == 0;
}

static bool try_ask(struct store *s, struct query *q) {
  ask(s, q);
  bool fine = q->status == 0;
  CHECK(fine || (q->status < 0 && q->error[0] != '\0'));
  query_free(q);
  return fine;
}

static struct query *figures(void) {
  struct query *q = query_new(QUERY_AGGREGATE);
  q->questions = calloc(1, sizeof *q->questions);
  q->nquestions = 1;
  return q;
}

static struct query *page(struct store *s) {
  struct query *q = query_new(QUERY_SELECT);
  q->order_by = s->schema->time;
  q->limit = 100;
  return q;
}

static struct query *lookup(const char *id) {
  struct query *q = query_new(QUERY_LOOKUP);
  buf_puts(&q->id, id);
  return q;
}

static struct query *sql(void) {
  struct query *q = query_new(QUERY_SQL);
  buf_puts(&q->sql, "SELECT sum(tokens_input) FROM rows GROUP BY model ORDER BY 1");
  q->bound.nrows = 1;
  return q;
}

static bool ask_all(struct store *s) {
  bool fine = try_ask(s, page(s));
  fine &= try_ask(s, query_new(QUERY_COUNT));
  fine &= try_ask(s, lookup("before"));
  fine &= try_ask(s, figures());
  return fine & try_ask(s, sql());
}

static bool is_there(struct store *s, const char *id) {
  struct query *q = ask(s, lookup(id));
  CHECK(q->status == 0);
  bool there = q->nrows == 1;
  query_free(q);
  return there;
}

/* The cells say what the rows say. */
static void check_sums(struct store *s) {
  struct query *q = ask(s, figures());
  CHECK(q->status == 0 && q->questions[0].rows.nrows == 1);
  if (q->status == 0 && q->questions[0].rows.nrows == 1)
    CHECK(cell_of(&q->questions[0].rows, 0, "requests").value.i == count_rows(s));
  query_free(q);
}

static void check_well_again(struct store *s, bool first, bool second) {
  CHECK(ask_all(s));
  CHECK(try_put(s, "after"));
  CHECK(is_there(s, "before") && is_there(s, "after"));
  CHECK(!first || is_there(s, "first"));
  CHECK(!second || is_there(s, "second"));
  check_sums(s);
  struct storage_stats stats;
  storage_stats(s->storage, &stats);
  CHECK(stats.writable);
}

/* Opening, writing and reading with the n-th call failing; false when there are fewer. */
static bool run(int n) {
  struct store *s = store_new();
  bool first = false, second = false;
  alarm(60); /* whoever waits for ever */
  store_open(s);
  CHECK(try_put(s, "before"));
  store_close(s);

  atomic_store(&left, n);
  atomic_store(&armed, true);
  bool open = try_open(s);
  if (open) {
    first = try_put(s, "first");
    ask_all(s);
    second = try_put(s, "second");
    ask_all(s);
  }
  atomic_store(&armed, false);
  bool failed = atomic_load(&left) <= 0;
  if (!open)
    store_open(s);
  check_well_again(s, first, second);
  store_close(s);
  store_open(s);
  check_well_again(s, first, second);
  store_remove(s);
  return failed;
}

/* Each is applied again for itself, as it came: the first finds its row by its other id, which is
 * that row's own. */
static bool run_group(int n) {
  static const char *const texts[] = {
      "{\"request_id\":\"new\",\"other_id\":\"before\",\"timestamp\":1750000000}\n",
      "{\"request_id\":\"beside\",\"timestamp\":1750000000}\n"};
  struct submission group[2];
  struct store *s = store_new();
  alarm(60);
  store_open(s);
  CHECK(try_put(s, "before"));
  store_close(s);

  CHECK(try_open_only(s));
  for (int i = 0; i < 2; i++) {
    group[i] = (struct submission){
        .done.receive = on_done, .loop = &s->loop, .batch = scan(s, texts[i])};
    CHECK(storage_submit(s->storage, &group[i]) == 0);
  }
  atomic_store(&left, n);
  atomic_store(&armed, true);
  CHECK(storage_start(s->storage) == 0);
  for (int i = 0; i < 2; i++)
    wait_for(s, &group[i].done);
  atomic_store(&armed, false);
  for (int i = 0; i < 2; i++) {
    CHECK(put_batch(s, group[i].batch).status == 0);
    batch_free(group[i].batch);
  }
  CHECK(count_rows(s) == 2);
  store_remove(s);
  return atomic_load(&left) <= 0;
}

int main(void) {
  vfs_use(on_call);
  log_configure(LOG_ERROR + 1, LOG_LOGFMT);
  int calls = 1;
  atomic_store(&writes, true);
  while (run_group(calls))
    calls++;
  CHECK(calls > 5);
  atomic_store(&writes, false);
  for (int all = 0; all < 2; all++) {
    int n = 1;
    atomic_store(&goes_on, all);
    while (run(n))
      n += all ? 7 : 1; /* SQLite waits before it tries again what goes on to fail */
    CHECK(n > 100);
  }
  return TEST_END;
}
