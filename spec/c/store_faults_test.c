#include <stdatomic.h>

#include <sqlite3.h>

#include "base/log.h"
#include "store_fixture.h"

/* SQLite over a file system whose n-th call fails, for each n once, alone, and for some
 * with all that follow: the store answers with words, nothing that was acknowledged is
 * missing, and when the file system is well again, so is the store. */

static sqlite3_vfs *real, faulty;
static atomic_int left; /* calls until one fails */
static atomic_bool armed, goes_on;

struct file {
  sqlite3_file base;
  sqlite3_file *real; /* right behind */
};

static bool fails(void) {
  if (!atomic_load(&armed))
    return false;
  int n = atomic_fetch_sub(&left, 1);
  return n == 1 || (n < 1 && atomic_load(&goes_on));
}

static sqlite3_file *of(sqlite3_file *file) {
  return ((struct file *) file)->real;
}

static int on_close(sqlite3_file *f) {
  return of(f)->pMethods->xClose(of(f));
}

static int on_read(sqlite3_file *f, void *data, int n, sqlite3_int64 at) {
  return fails() ? SQLITE_IOERR_READ : of(f)->pMethods->xRead(of(f), data, n, at);
}

static int on_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at) {
  return fails() ? SQLITE_FULL : of(f)->pMethods->xWrite(of(f), data, n, at);
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size) {
  return fails() ? SQLITE_IOERR_TRUNCATE : of(f)->pMethods->xTruncate(of(f), size);
}

static int on_sync(sqlite3_file *f, int flags) {
  (void) f, (void) flags;
  return fails() ? SQLITE_IOERR_FSYNC : SQLITE_OK; /* the power stays on */
}

static int on_size(sqlite3_file *f, sqlite3_int64 *size) {
  return fails() ? SQLITE_IOERR_FSTAT : of(f)->pMethods->xFileSize(of(f), size);
}

static int on_lock(sqlite3_file *f, int level) {
  return fails() ? SQLITE_IOERR_LOCK : of(f)->pMethods->xLock(of(f), level);
}

static int on_unlock(sqlite3_file *f, int level) {
  return of(f)->pMethods->xUnlock(of(f), level);
}

static int on_reserved(sqlite3_file *f, int *result) {
  return of(f)->pMethods->xCheckReservedLock(of(f), result);
}

static int on_control(sqlite3_file *f, int what, void *arg) {
  return of(f)->pMethods->xFileControl(of(f), what, arg);
}

static int on_sector(sqlite3_file *f) {
  return of(f)->pMethods->xSectorSize(of(f));
}

static int on_traits(sqlite3_file *f) {
  return of(f)->pMethods->xDeviceCharacteristics(of(f));
}

static int on_map(sqlite3_file *f, int page, int size, int extend, void volatile **p) {
  return fails() ? SQLITE_IOERR_SHMMAP : of(f)->pMethods->xShmMap(of(f), page, size, extend, p);
}

static int on_map_lock(sqlite3_file *f, int at, int n, int flags) {
  bool locks = flags & SQLITE_SHM_LOCK;
  return locks && fails() ? SQLITE_IOERR_SHMLOCK : of(f)->pMethods->xShmLock(of(f), at, n, flags);
}

static void on_barrier(sqlite3_file *f) {
  of(f)->pMethods->xShmBarrier(of(f));
}

static int on_unmap(sqlite3_file *f, int delete) {
  return of(f)->pMethods->xShmUnmap(of(f), delete);
}

static const sqlite3_io_methods methods = {
    2,           on_close,   on_read,     on_write,   on_truncate, on_sync,   on_size,
    on_lock,     on_unlock,  on_reserved, on_control, on_sector,   on_traits, on_map,
    on_map_lock, on_barrier, on_unmap,    NULL,       NULL,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *got) {
  (void) vfs;
  struct file *f = (struct file *) file;
  f->base.pMethods = NULL;
  f->real = (sqlite3_file *) (f + 1);
  int rc = fails() ? SQLITE_CANTOPEN : real->xOpen(real, name, f->real, flags, got);
  if (rc == SQLITE_OK)
    f->base.pMethods = &methods;
  return rc;
}

static void use_faulty(void) {
  real = sqlite3_vfs_find(NULL);
  faulty = *real;
  faulty.zName = "faulty";
  faulty.szOsFile = (int) sizeof(struct file) + real->szOsFile;
  faulty.xOpen = on_open;
  sqlite3_vfs_register(&faulty, 1);
}

/* ---- What the store does meanwhile ---- */

static bool try_open(struct store *s) {
  struct buf error = {0};
  int status = storage_open(&s->storage, s->schema, &s->options, NULL, &error);
  CHECK((status == 0) == (error.len == 0));
  buf_clear(&error);
  if (status == 0)
    CHECK(storage_start(s->storage) == 0);
  return status == 0;
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

int main(void) {
  use_faulty();
  log_configure(LOG_ERROR + 1, LOG_LOGFMT);
  for (int all = 0; all < 2; all++) {
    int n = 1;
    atomic_store(&goes_on, all);
    while (run(n))
      n += all ? 7 : 1; /* SQLite waits before it tries again what goes on to fail */
    CHECK(n > 100);
  }
  return TEST_END;
}
