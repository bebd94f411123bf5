#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "store/file/space.h"
#include "store_fixture.h"
#include "vfs_fixture.h"

/* Retention on a disk that is slow, and on one that is full; sealing on a slow one. */

enum { EXTRA = 700 };

static const int64_t day_s = 86400;
static struct store *store;
static char long_text[EXTRA];

static atomic_llong disk_bytes;          /* it has so many; 0: enough */
static atomic_llong refused;             /* writes that found it full */
static atomic_bool lost_ballast, watched;
static atomic_int write_us;              /* how long a write takes */
static atomic_llong longest_wal;

/* What each transaction took, of one pass. */
enum { MOST_SLICES = 100000 };
static int64_t slices[MOST_SLICES], taken;
static int nslices;
static atomic_bool timed; /* the same of how long each took, in ns */
static int64_t locked_ns;

static int64_t bytes_of(const char *suffix) {
  char path[100];
  struct stat st;
  snprintf(path, sizeof path, "%s%s", store->path, suffix);
  return stat(path, &st) == 0 ? (int64_t) st.st_blocks * 512 : 0;
}

static int64_t bytes_used(void) {
  return bytes_of("") + bytes_of("-wal") + bytes_of("-ballast");
}

static bool has_room(const char *name, int64_t end) {
  struct stat st;
  int64_t limit = atomic_load(&disk_bytes);
  if (limit == 0 || stat(name, &st) < 0 || end <= (int64_t) st.st_blocks * 512)
    return true;
  return bytes_used() + end - (int64_t) st.st_blocks * 512 <= limit;
}

static int on_write(const char *name, int64_t end) {
  bool is_wal = strstr(name, "-wal") != NULL;
  if (atomic_load(&write_us) > 0)
    usleep((useconds_t) atomic_load(&write_us));
  if (!has_room(name, end)) {
    atomic_fetch_add(&refused, 1);
    return SQLITE_FULL;
  }
  if (is_wal && end > atomic_load(&longest_wal))
    atomic_store(&longest_wal, end);
  return SQLITE_OK;
}

static struct storage_stats stats_of(void) {
  struct storage_stats stats;
  storage_stats(store->storage, &stats);
  return stats;
}

/* The writer's thread, before each transaction. */
static void note_slice(void) {
  int64_t now = stats_of().removed.rows;
  if (now > taken && nslices < MOST_SLICES)
    slices[nslices++] = now - taken;
  taken = now;
}

/* Who writes holds the lock for a transaction. */
static void time_slice(enum vfs_call call) {
  if (call == VFS_MAP_LOCK)
    locked_ns = clock_monotonic_ns();
  else if (call == VFS_MAP_UNLOCK && locked_ns != 0 && nslices < MOST_SLICES)
    slices[nslices++] = clock_monotonic_ns() - locked_ns;
}

static int on_call(enum vfs_call call, const char *name, int64_t size) {
  if (call == VFS_WRITE)
    return on_write(name, size);
  if (atomic_load(&timed) && size == 0)
    time_slice(call);
  if (size != 0 || !atomic_load(&watched))
    return SQLITE_OK;
  if (bytes_of("-ballast") == 0)
    atomic_store(&lost_ballast, true);
  if (call == VFS_MAP_LOCK)
    note_slice();
  return SQLITE_OK;
}

int __real_statvfs(const char *path, struct statvfs *disk);
int __real_posix_fallocate(int fd, off_t at, off_t len);

int __wrap_statvfs(const char *path, struct statvfs *disk) {
  int rc = __real_statvfs(path, disk);
  int64_t limit = atomic_load(&disk_bytes), left = limit - bytes_used();
  if (limit > 0)
    disk->f_bavail = left > 0 ? (fsblkcnt_t) left / disk->f_frsize : 0;
  return rc;
}

int __wrap_posix_fallocate(int fd, off_t at, off_t len) {
  int64_t limit = atomic_load(&disk_bytes);
  return limit > 0 && bytes_used() + len > limit ? ENOSPC : __real_posix_fallocate(fd, at, len);
}

/* Records that are n hours old each, an hour apart. */
static struct submission put_hours(int first, int n, int each) {
  int64_t now_s = clock_now_us() / 1000000;
  struct buf text = {0};
  for (int hour = first; hour < first + n; hour++)
    for (int i = 0; i < each; i++)
      buf_printf(&text, "{\"request_id\":\"%d-%d\",\"timestamp\":%lld,\"more\":\"%s\"}\n", hour, i,
                 (long long) (now_s - hour * 3600), long_text);
  buf_putc(&text, '\0');
  struct submission w = put(store, text.data);
  buf_clear(&text);
  return w;
}

static void want(struct retention wanted) {
  storage_set_retention(store->storage, &wanted);
}

static void wait_for_pass(int64_t passes) {
  for (int i = 0; i < TEST_SECONDS * 1000 && stats_of().passes <= passes; i++)
    usleep(1000);
  CHECK(stats_of().passes > passes);
}

static void begin(void) {
  store = store_new();
  store_open(store);
}

static void end(void) {
  atomic_store(&disk_bytes, 0);
  atomic_store(&write_us, 0);
  atomic_store(&watched, false);
  store_remove(store);
}

/* How many rows go in a slice, on average, once the pass has learnt. */
static double rows_a_slice(int us) {
  begin();
  for (int i = 0; i < 8; i++)
    CHECK(put_hours(24 * 9 + i, 1, 4000).accepted == 4000);
  CHECK(put_hours(0, 1, 100).accepted == 100);
  atomic_store(&write_us, us);
  atomic_store(&longest_wal, 0);
  taken = nslices = 0;
  atomic_store(&watched, true);
  want((struct retention){.rows_s = 3 * day_s});
  wait_for_pass(0);
  atomic_store(&watched, false);
  struct storage_stats stats = stats_of();
  CHECK(stats.rows == 100 && stats.removed.rows == 32000 && stats.removed.bytes > 8 << 20);
  CHECK(atomic_load(&longest_wal) > 0 && atomic_load(&longest_wal) < 24 << 20);
  int64_t rows = 0;
  int first = nslices / 2;
  for (int i = first; i < nslices; i++)
    rows += slices[i];
  end();
  CHECK(nslices > 2);
  return (double) rows / (nslices - first);
}

static void test_slow(void) {
  double fast = rows_a_slice(50), slow = rows_a_slice(1250);
  CHECK(slow * 3 < fast * 2);
}

static int compare_ns(const void *a, const void *b) {
  int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
  return (x > y) - (x < y);
}

static bool is_sealed(void) {
  struct query *q = query_new(QUERY_SQL);
  buf_puts(&q->sql, "SELECT count(*) > 0 AND min(taken_time) = 9223372036854775807 FROM parts");
  ask(store, q);
  CHECK(q->status == 0 && q->rows.nrows == 1);
  bool sealed = ((const struct result_value *) q->rows.values.data)->value.i == 1;
  query_free(q);
  return sealed;
}

/* Rows leave the table slice by slice; what a slice takes with its commit is what its clock says,
 * give or take what the machine does. */
static void test_sealing(void) {
  enum { CLOCK_NS = 20000000 };
  begin();
  CHECK(put_hours(24 * 9, 1, 30000).accepted == 30000);
  store_close(store);
  store->options.hot_days = 2;
  nslices = 0;
  locked_ns = 0;
  atomic_store(&write_us, 300);
  atomic_store(&timed, true);
  store_open(store);
  int64_t most_ns = 0;
  for (int i = 0; i < TEST_SECONDS * 100 && !is_sealed(); i++) {
    int64_t started = clock_monotonic_ns();
    CHECK(put(store, "{\"model\":\"beside\"}\n").accepted == 1);
    int64_t took = clock_monotonic_ns() - started;
    most_ns = took > most_ns ? took : most_ns;
    usleep(10000);
  }
  CHECK(is_sealed());
  atomic_store(&timed, false);
  qsort(slices, (size_t) nslices, sizeof *slices, compare_ns);
  int first = 0;
  while (first < nslices && slices[first] < CLOCK_NS / 2) /* of what is put beside it */
    first++;
  CHECK(nslices - first > 10);
  int64_t median = slices[first + (nslices - first) / 2];
  printf("%d slices, %.1f ms in the median; a record beside them %.1f ms at most\n",
         nslices - first, (double) median / 1e6, (double) most_ns / 1e6);
  CHECK(median < 3 * CLOCK_NS);
  end();
}

/* There is room for so many bytes more. */
static void test_ballast(int64_t room) {
  begin();
  CHECK(put_hours(24 * 9, 1, 8000).accepted == 8000);
  CHECK(put_hours(0, 1, 100).accepted == 100);
  want((struct retention){.rows_s = 30 * day_s});
  for (int i = 0; i < TEST_SECONDS * 1000 && bytes_of("-ballast") < BALLAST_BYTES; i++)
    usleep(1000);
  do { /* not a page of the log stays, whose room could be used again */
    while (bytes_of("-wal") > 0)
      usleep(1000);
    atomic_store(&disk_bytes, bytes_used() + room);
  } while (bytes_of("-wal") > 0);
  atomic_store(&refused, 0);
  atomic_store(&lost_ballast, false);
  atomic_store(&watched, true);
  want((struct retention){.rows_s = 3 * day_s});
  int turned_away = 0;
  for (int i = 0; i < TEST_SECONDS * 1000 && stats_of().passes == 0; i++) {
    struct submission w = put_hours(1, 1, 1);
    CHECK(w.status == 0 || w.status == UV_ENOSPC);
    turned_away += w.status != 0;
  }
  CHECK(turned_away > 0 && atomic_load(&refused) > 0 && atomic_load(&lost_ballast));
  CHECK(stats_of().removed.rows == 8000);
  CHECK(number(store, "SELECT count(*) FROM meta WHERE key = 'since:rows'") == 1);
  CHECK(bytes_of("-ballast") >= BALLAST_BYTES);
  CHECK(put_hours(2, 1, 100).status == 0);
  end();
}

/* Far more comes in than the disk holds: the oldest goes. */
static void test_ingest_goes_on(void) {
  begin();
  int64_t free_bytes = 8 << 20;
  atomic_store(&disk_bytes, 64 << 20);
  want((struct retention){.min_free = free_bytes});
  int hours = 60, each = 1000, waits = 0;
  for (int hour = hours; hour > 0; hour--) {
    struct submission w = put_hours(hour, 1, each);
    for (; w.status == UV_ENOSPC && waits < TEST_SECONDS * 100; waits++) {
      usleep(10000);
      w = put_hours(hour, 1, each);
    }
    CHECK(w.status == 0);
  }
  struct storage_stats stats = stats_of();
  CHECK(stats.rows + stats.removed.rows == (int64_t) hours * each);
  CHECK(stats.removed.rows > 0 && stats.rows > 0);
  char *newest = row_json(store, "1-999"), *oldest = row_json(store, "60-0");
  CHECK(*newest != '\0' && *oldest == '\0');
  free(newest);
  free(oldest);
  for (int i = 0; i < TEST_SECONDS * 100 && 64 * (1 << 20) - bytes_used() < free_bytes; i++)
    usleep(10000);
  CHECK(64 * (1 << 20) - bytes_used() >= free_bytes);
  end();
}

int main(void) {
  log_configure(LOG_ERROR + 1, LOG_LOGFMT);
  memset(long_text, 'x', sizeof long_text - 1);
  vfs_use(on_call);
  test_slow();
  test_sealing();
  for (int64_t room = 0; room < 4 << 20; room = room * 4 + (32 << 10))
    test_ballast(room);
  test_ingest_goes_on();
  return TEST_END;
}
