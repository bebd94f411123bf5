#include <ftw.h>
#include <sqlite3.h>

#include "base/log.h"
#include "disk_log.h"
#include "upkeep_fixture.h"

/* Power that fails: a store is made and fed while every call to the disk is logged; then the disk
 * is made as it may be after each of these calls, and a store opened on it has every record that
 * was acknowledged before, each batch whole or not at all, and cells that say what rows say.  A
 * backup that is there is whole.
 *
 * store_power_test [VARIANTS]: so many disks by chance besides; $POWER_SEED, $POWER_TRACE. */

enum { MOST_BATCHES = 64, BATCH = 3, TEST_VARIANTS = 100, TEST_CUTS = 30 };

static const size_t NEVER = SIZE_MAX;

static struct {
  struct batch_told {
    size_t acknowledged, merged; /* calls when it was, and its merge; NEVER */
    int64_t time_s;
  } batches[MOST_BATCHES];
  int nbatches;
  size_t retained; /* when retention was told to take what is older than retained_s */
  int64_t retained_s;
  size_t copy_begun;
  int copied; /* batches that were acknowledged by then */
} told;

static void put_one(struct store *s, int64_t time_s) {
  char text[BATCH * 120];
  size_t len = 0;
  struct batch_told *b = &told.batches[told.nbatches];
  for (int i = 0; i < BATCH; i++)
    len += (size_t) snprintf(text + len, sizeof text - len,
                             "{\"request_id\":\"b%d-%d\",\"timestamp\":%lld,\"tokens_input\":1}\n",
                             told.nbatches, i, (long long) time_s);
  *b = (struct batch_told){.merged = NEVER, .time_s = time_s};
  struct submission w = put(s, text);
  CHECK(w.status == 0 && w.accepted == BATCH);
  b->acknowledged = disk_calls();
  told.nbatches++;
}

/* One of the same records again, now with an output: it is merged. */
static void put_again(struct store *s, int batch) {
  char text[200];
  snprintf(text, sizeof text,
           "{\"request_id\":\"b%d-0\",\"timestamp\":%lld,\"tokens_input\":1,\"tokens_output\":9}\n",
           batch, (long long) told.batches[batch].time_s);
  struct submission w = put(s, text);
  CHECK(w.status == 0 && w.merged == 1);
  told.batches[batch].merged = disk_calls();
}

enum { DAY_S = 86400, OLD_S = 1750000000 / DAY_S * DAY_S };

/* Commits, merges, checkpoints (each close makes one) and openings. */
static void feed_commits(struct store *s) {
  for (int round = 0; round < 4; round++) {
    store_open(s);
    for (int i = 0; i < 15; i++) {
      put_one(s, OLD_S + told.nbatches * 3600);
      if (i % 5 == 4)
        put_again(s, told.nbatches - 3);
    }
    store_close(s);
  }
}

static void wait_for_pass(struct store *s) {
  struct storage_stats stats = {0};
  for (int i = 0; i < TEST_SECONDS * 100 && stats.passes == 0; i++) {
    usleep(10000);
    storage_stats(s->storage, &stats);
  }
  CHECK(stats.passes > 0 && stats.removed.parts > 0);
}

/* Seals days, makes parts anew of which much has changed, and has retention take parts and rows. */
static void feed_days(struct store *s) {
  s->options.hot_days = 0;
  store_open(s);
  for (int i = 0; i < 12; i++)
    put_one(s, OLD_S + i / 3 * DAY_S + i * 60);
  store_close(s);
  s->options.hot_days = 2;
  store_open(s);
  wait_until(s, "SELECT count(*) = 4 AND " AT_REST);
  for (int i = 0; i < 12; i++)
    if (i % 3 != 1)
      put_again(s, i);
  put_one(s, OLD_S + 60);
  store_close(s);
  store_open(s); /* which makes the parts anew */
  wait_until(s, "SELECT min(part) > 4 AND " AT_REST);
  put_again(s, 1);
  told.retained_s = OLD_S + 2 * DAY_S;
  told.retained = disk_calls();
  storage_set_retention(s->storage, &(struct retention){
    .rows_s = clock_now_us() / 1000000 - told.retained_s});
  wait_for_pass(s);
  put_one(s, clock_now_us() / 1000000);
  store_close(s);
  store_open(s); /* which removes the files of those that went */
  put_one(s, OLD_S + 3 * DAY_S);
  store_close(s);
}

static void work(struct store *s, const char *path, const struct upkeep_order *order) {
  struct upkeep_state state = upkeep_do(s, path, order);
  if (state.status != 0)
    fprintf(stderr, "%s\n", state.error);
  CHECK(state.status == 0);
}

/* As it was made before there was auto_vacuum. */
static void make_older(const char *path) {
  sqlite3 *db = NULL;
  CHECK(sqlite3_open(path, &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL;"
                         "PRAGMA auto_vacuum=NONE; VACUUM; PRAGMA journal_mode=WAL",
                     NULL, NULL, NULL) == SQLITE_OK);
  sqlite3_close(db);
}

static char copy_folder[64], back_path[80];

/* An older file that is upgraded, and a backup, both with a part. */
static void feed_copies(struct store *s) {
  s->options.hot_days = 0;
  store_open(s);
  for (int i = 0; i < 4; i++)
    put_one(s, OLD_S + i * 60);
  store_close(s);
  make_older(s->path);
  work(s, s->path, &(struct upkeep_order){.kind = UPKEEP_UPGRADE});
  s->options.hot_days = 2;
  store_open(s);
  wait_until(s, "SELECT count(*) = 1 AND " AT_REST);
  put_one(s, clock_now_us() / 1000000);
  put_again(s, 2);
  told.copied = told.nbatches;
  told.copy_begun = disk_calls();
  work(s, s->path, &(struct upkeep_order){.kind = UPKEEP_BACKUP, .folder = copy_folder});
  put_one(s, clock_now_us() / 1000000);
  store_close(s);
}

static int rows_of(struct store *s, int batch, size_t ncalls) {
  bool merged = told.batches[batch].merged <= ncalls;
  int found = 0;
  for (int i = 0; i < BATCH; i++) {
    struct query *q = query_new(QUERY_LOOKUP);
    buf_printf(&q->id, "b%d-%d", batch, i);
    ask(s, q);
    CHECK(q->status == 0);
    found += (int) q->nrows;
    if (i == 0 && merged && q->nrows == 1)
      CHECK(batch_record(q->batch, 0)->v[column(s, "tokens_output")].i == 9);
    query_free(q);
  }
  return found;
}

/* Cells outlive the rows that retention takes. */
static void check_cells(struct store *s, int64_t rows, bool retained) {
  struct query *q = query_new(QUERY_AGGREGATE);
  q->questions = calloc(1, sizeof *q->questions);
  q->nquestions = 1;
  ask(s, q);
  const struct result *sums = &q->questions[0].rows;
  int64_t n = sums->nrows == 1 ? cell_of(sums, 0, "requests").value.i : 0;
  CHECK(q->status == 0 && (retained ? n >= rows : n == rows));
  CHECK(sums->nrows == 0 || cell_of(sums, 0, "tokens_input").value.i == n);
  query_free(q);
}

static void check_rows(struct store *s, size_t ncalls, int nbatches) {
  bool retained = told.retained <= ncalls;
  int64_t rows = 0;
  for (int i = 0; i < nbatches; i++) {
    const struct batch_told *b = &told.batches[i];
    bool due = b->acknowledged <= ncalls, may_go = retained && b->time_s < told.retained_s;
    int found = rows_of(s, i, ncalls);
    CHECK(found == BATCH || may_go || (!due && found == 0));
    rows += found;
  }
  CHECK(count_rows(s) == rows);
  check_cells(s, rows, retained);
}

static sqlite3 *manifest;
static size_t cold_len; /* of the folder of parts */

static int check_file(const char *path, const struct stat *st, int kind, struct FTW *place) {
  (void) st, (void) place;
  if (kind != FTW_F)
    return 0;
  sqlite3_stmt *stmt = NULL;
  CHECK(sqlite3_prepare_v2(manifest, "SELECT 1 FROM parts WHERE ? IN (file, file || '.unfinished')",
                           -1, &stmt, NULL) == SQLITE_OK);
  sqlite3_bind_text(stmt, 1, path + cold_len + 1, -1, SQLITE_STATIC);
  bool listed = sqlite3_step(stmt) == SQLITE_ROW;
  CHECK(listed);
  if (!listed)
    fprintf(stderr, "%s is no part\n", path);
  sqlite3_finalize(stmt);
  return 0;
}

/* Each file among the parts is one that the manifest lists. */
static void check_files(const struct store *s) {
  char cold[80];
  cold_len = (size_t) snprintf(cold, sizeof cold, "%s/test.cold", s->folder);
  CHECK(sqlite3_open(s->path, &manifest) == SQLITE_OK);
  nftw(cold, check_file, 8, FTW_PHYS);
  sqlite3_close(manifest);
}

static void check_copy(struct store *s, size_t ncalls) {
  if (ncalls < told.copy_begun || access(copy_folder, F_OK) < 0)
    return;
  work(s, back_path, &(struct upkeep_order){.kind = UPKEEP_RESTORE, .folder = copy_folder});
  s->options.path = back_path;
  store_open(s);
  check_rows(s, told.copy_begun, told.copied);
  store_close(s);
  s->options.path = s->path;
}

static void empty_folder(const char *folder) {
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s/*", folder);
  CHECK(system(command) == 0);
}

static void check_disk(struct store *s, size_t ncalls, enum disk_fate fate, unsigned seed) {
  int before = test_failures;
  disk_make(s->folder, ncalls, fate, seed);
  if (getenv("POWER_TRACE") != NULL)
    fprintf(stderr, "after %zu calls, fate %d, seed %u\n", ncalls, (int) fate, seed);
  store_open(s);
  check_rows(s, ncalls, told.nbatches);
  store_close(s);
  check_files(s);
  check_copy(s, ncalls);
  empty_folder(s->folder);
  if (test_failures > before)
    fprintf(stderr, "after %zu calls, fate %d, seed %u\n", ncalls, (int) fate, seed);
}

typedef void feeding(struct store *s);

static void fail_power(const char *name, feeding *feed, int variants, bool every, unsigned *seed) {
  struct store *s = store_new();
  memset(&told, 0, sizeof told);
  told.retained = told.copy_begun = NEVER;
  s->options.durability = DURABILITY_FULL;
  snprintf(copy_folder, sizeof copy_folder, "%s/copy", s->folder);
  snprintf(back_path, sizeof back_path, "%s/back/test.db", s->folder);
  disk_log_start(s->folder);
  feed(s);
  disk_log_stop();
  empty_folder(s->folder);
  size_t ncalls = disk_calls(), step = every ? 1 : 1 + ncalls / TEST_CUTS;
  CHECK(ncalls > 100);
  printf("%s: seed %u, %zu calls, each %zuth, %d by chance\n", name, *seed, ncalls, step, variants);
  for (size_t n = 0; n <= ncalls; n += step)
    check_disk(s, n, n / step % 2 == 0 ? DISK_NONE : DISK_ALL, 0);
  for (int i = 0; i < variants; i++)
    check_disk(s, (size_t) rand_r(seed) % (ncalls + 1), DISK_SOME, (unsigned) rand_r(seed));
  store_remove(s);
}

int main(int argc, char **argv) {
  int variants = argc > 1 ? atoi(argv[1]) : TEST_VARIANTS;
  unsigned seed = getenv("POWER_SEED") != NULL ? (unsigned) atoi(getenv("POWER_SEED"))
                                               : (unsigned) clock_now_us();
  log_configure(LOG_ERROR + 1, LOG_LOGFMT);
  fail_power("commits", feed_commits, variants / 4, argc > 1, &seed);
  fail_power("days", feed_days, variants / 2, argc > 1, &seed);
  fail_power("copies", feed_copies, variants / 4, argc > 1, &seed);
  return TEST_END;
}
