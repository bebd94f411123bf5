#include "disk_log.h"
#include "base/log.h"
#include "store_fixture.h"

/* Power that fails: a store is made and fed while every call to the disk is logged; then the disk
 * is made as it may be after each of these calls, and a store opened on it has every record that
 * was acknowledged before, each batch whole or not at all, and cells that say what rows say.
 *
 * store_power_test [VARIANTS]: so many disks by chance besides; $POWER_SEED. */

enum { BATCHES = 60, BATCH = 3, TEST_VARIANTS = 100 };

static struct {
  size_t acknowledged[BATCHES]; /* calls when it was; 0: never */
  int nbatches;
} told;

static void put_one(struct store *s) {
  char text[BATCH * 120];
  size_t len = 0;
  for (int i = 0; i < BATCH; i++)
    len += (size_t) snprintf(text + len, sizeof text - len,
                             "{\"request_id\":\"b%d-%d\",\"timestamp\":%d,\"tokens_input\":1}\n",
                             told.nbatches, i, 1750000000 + told.nbatches * 3600);
  struct submission w = put(s, text);
  CHECK(w.status == 0 && w.accepted == BATCH);
  told.acknowledged[told.nbatches++] = disk_calls();
}

/* The same records again, now with an output: they are merged. */
static void put_again(struct store *s, int batch) {
  char text[200];
  snprintf(text, sizeof text,
           "{\"request_id\":\"b%d-0\",\"timestamp\":%d,\"tokens_input\":1,\"tokens_output\":9}\n",
           batch, 1750000000 + batch * 3600);
  CHECK(put(s, text).status == 0);
}

/* Commits, merges, checkpoints (each close makes one) and openings. */
static struct store *feed(void) {
  struct store *s = store_new();
  s->options.durability = DURABILITY_FULL;
  disk_log_start(s->folder);
  while (told.nbatches < BATCHES) {
    store_open(s);
    for (int i = 0; i < BATCHES / 4; i++) {
      put_one(s);
      if (i % 5 == 4)
        put_again(s, told.nbatches - 3);
    }
    store_close(s);
  }
  disk_log_stop();
  return s;
}

/* ---- What must hold ---- */

static int rows_of(struct store *s, int batch) {
  int found = 0;
  for (int i = 0; i < BATCH; i++) {
    struct query *q = query_new(QUERY_LOOKUP);
    buf_printf(&q->id, "b%d-%d", batch, i);
    ask(s, q);
    CHECK(q->status == 0);
    found += (int) q->nrows;
    query_free(q);
  }
  return found;
}

static void check_cells(struct store *s) {
  struct query *q = query_new(QUERY_AGGREGATE);
  q->questions = calloc(1, sizeof *q->questions);
  q->nquestions = 1;
  ask(s, q);
  const struct result *rows = &q->questions[0].rows;
  int64_t n = count_rows(s);
  CHECK(q->status == 0 && (rows->nrows == 1 || n == 0));
  if (rows->nrows == 1)
    CHECK(cell_of(rows, 0, "requests").value.i == n &&
          cell_of(rows, 0, "tokens_input").value.i == n);
  query_free(q);
}

static void check_store(struct store *s, size_t ncalls) {
  for (int i = 0; i < told.nbatches; i++) {
    bool due = told.acknowledged[i] <= ncalls;
    /* later ones are not looked for one by one: all together are what is counted */
    int found = due || i % 8 == 0 ? rows_of(s, i) : 0;
    CHECK(found == BATCH || (!due && found == 0));
  }
  check_cells(s);
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
  check_store(s, ncalls);
  store_close(s);
  empty_folder(s->folder);
  if (test_failures > before)
    fprintf(stderr, "after %zu calls, fate %d, seed %u\n", ncalls, (int) fate, seed);
}

int main(int argc, char **argv) {
  int variants = argc > 1 ? atoi(argv[1]) : TEST_VARIANTS;
  unsigned seed = getenv("POWER_SEED") != NULL ? (unsigned) atoi(getenv("POWER_SEED"))
                                               : (unsigned) clock_now_us();
  log_configure(LOG_ERROR + 1, LOG_LOGFMT);
  struct store *s = feed();
  empty_folder(s->folder);
  size_t ncalls = disk_calls(), step = argc > 1 ? 1 : 1 + ncalls / 100;
  CHECK(ncalls > 200);
  for (size_t n = 0; n <= ncalls; n += step)
    check_disk(s, n, n % 2 == 0 ? DISK_NONE : DISK_ALL, 0);
  printf("seed %u, %zu calls\n", seed, ncalls);
  for (int i = 0; i < variants; i++)
    check_disk(s, (size_t) rand_r(&seed) % (ncalls + 1), DISK_SOME, (unsigned) rand_r(&seed));
  store_remove(s);
  return TEST_END;
}
