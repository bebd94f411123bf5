#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "store_fixture.h"

/* The disk, as SQLite and the syncer see it: this takes the place of libc's.  A sync of
 * the log waits for its gate. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool shut, fails;
  int waiting;
} disk = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, 0};

static bool is_log(int fd) {
  char link[40], path[128] = "";
  sprintf(link, "/proc/self/fd/%d", fd);
  ssize_t len = readlink(link, path, sizeof path - 1);
  return len > 4 && strcmp(path + len - 4, "-wal") == 0;
}

static bool wait_for_gate(void) {
  pthread_mutex_lock(&disk.lock);
  disk.waiting++;
  pthread_cond_broadcast(&disk.changed);
  while (disk.shut)
    pthread_cond_wait(&disk.changed, &disk.lock);
  disk.waiting--;
  bool fails = disk.fails;
  disk.fails = false; /* the kernel reports a lost page once */
  pthread_mutex_unlock(&disk.lock);
  return !fails;
}

int fdatasync(int fd) {
  if (!is_log(fd) || wait_for_gate())
    return (int) syscall(SYS_fdatasync, fd);
  errno = EIO;
  return -1;
}

static void set_gate(bool shut, bool fails) {
  pthread_mutex_lock(&disk.lock);
  disk.shut = shut;
  disk.fails = fails;
  pthread_cond_broadcast(&disk.changed);
  pthread_mutex_unlock(&disk.lock);
}

static void await_sync(void) {
  pthread_mutex_lock(&disk.lock);
  while (disk.waiting == 0)
    pthread_cond_wait(&disk.changed, &disk.lock);
  pthread_mutex_unlock(&disk.lock);
}

/* A write of its own batch, records named from .. to - 1. */
struct sent {
  struct submission submission;
  struct batch *batch;
};

static struct sent *send_some(struct store *s, int from, int to) {
  struct sent *sent = calloc(1, sizeof *sent);
  struct buf text = {0};
  for (int i = from; i < to; i++)
    buf_printf(&text, "{\"request_id\":\"r%d\",\"timestamp\":%d}\n", i, 1750000000 + i);
  buf_putc(&text, '\0');
  sent->batch = scan(s, text.data);
  buf_clear(&text);
  sent->submission = (struct submission){
      .done.receive = on_done, .loop = &s->loop, .batch = sent->batch};
  CHECK(storage_submit(s->storage, &sent->submission) == 0);
  uv_run(&s->loop.uv, UV_RUN_NOWAIT); /* the end of the turn hands it over */
  return sent;
}

static bool is_answered(struct store *s, const struct sent *sent) {
  uv_run(&s->loop.uv, UV_RUN_NOWAIT);
  return sent->submission.done.receive == NULL;
}

static struct submission receive(struct store *s, struct sent *sent) {
  wait_for(s, &sent->submission.done);
  struct submission w = sent->submission;
  w.batch = NULL;
  batch_free(sent->batch);
  free(sent);
  return w;
}

static struct store *open_full(void) {
  struct store *s = store_new();
  s->options.durability = DURABILITY_FULL;
  store_open(s);
  return s;
}

/* A record that has been committed and waits at the shut gate, after one that has been stored. */
static struct sent *hold_one(struct store *s) {
  CHECK(receive(s, send_some(s, 0, 1)).status == 0);
  set_gate(true, false);
  struct sent *sent = send_some(s, 1, 2);
  await_sync();
  return sent;
}

static void await_rows(struct store *s, int64_t rows) {
  while (count_rows(s) < rows)
    usleep(1000);
  CHECK(count_rows(s) == rows);
}

static struct storage_stats stats_of(struct store *s) {
  struct storage_stats stats;
  storage_stats(s->storage, &stats);
  return stats;
}

/* No answer before the disk has it; what is large goes on meanwhile, what is small gathers. */
static void test_answers_wait_for_the_disk(void) {
  struct store *s = open_full();
  struct sent *first = hold_one(s);
  struct sent *large = send_some(s, 1000, 2000);
  await_rows(s, 1002);
  struct sent *small[3];
  for (int i = 0; i < 3; i++)
    small[i] = send_some(s, 2 + i, 3 + i);
  CHECK(!is_answered(s, first) && !is_answered(s, large) && !is_answered(s, small[0]));
  CHECK(count_rows(s) == 1002);
  int64_t before = stats_of(s).commits;
  set_gate(false, false);
  CHECK(receive(s, first).accepted == 1 && receive(s, large).accepted == 1000);
  for (int i = 0; i < 3; i++)
    CHECK(receive(s, small[i]).accepted == 1);
  CHECK(stats_of(s).commits == before + 3);
  store_remove(s);
}

/* Rows of the file alone, as after a loss of power that took all of the log. */
static int64_t rows_without_log(struct store *s) {
  struct store *copy = store_new();
  char command[256];
  sprintf(command, "cp %s %s", s->path, copy->path);
  CHECK(system(command) == 0);
  store_open(copy);
  int64_t rows = count_rows(copy);
  store_remove(copy);
  return rows;
}

/* What was committed behind a gap fails too; then the file gets what the log has lost. */
static void test_a_sync_fails(void) {
  struct store *s = open_full();
  struct sent *first = hold_one(s);
  CHECK(stats_of(s).writable);
  struct sent *behind = send_some(s, 1000, 2000);
  await_rows(s, 1002);
  set_gate(false, true);
  struct submission w = receive(s, first);
  CHECK(w.status == UV_EIO && strstr(w.error, "could not be synced to the disk: ") != NULL);
  CHECK(receive(s, behind).status == UV_EIO);
  CHECK(!stats_of(s).writable);
  w = receive(s, send_some(s, 1, 3));
  CHECK(w.status == 0 && w.merged == 1 && w.accepted == 1);
  CHECK(stats_of(s).writable && count_rows(s) == 1003);
  CHECK(rows_without_log(s) == 1002);
  store_close(s);
  store_open(s);
  CHECK(count_rows(s) == 1003);
  store_remove(s);
}

/* What is being synced when the store closes is answered. */
static void test_close(void) {
  struct store *s = open_full();
  struct sent *first = hold_one(s);
  struct sent *next = send_some(s, 2, 3);
  set_gate(false, false);
  store_close(s);
  CHECK(receive(s, first).status == 0 && receive(s, next).status == 0);
  store_open(s);
  CHECK(count_rows(s) == 3);
  store_remove(s);
}

int main(void) {
  test_answers_wait_for_the_disk();
  test_a_sync_fails();
  test_close();
  return TEST_END;
}
