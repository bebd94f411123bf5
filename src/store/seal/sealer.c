#include "store/seal/sealer.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/cold/cleaning.h"
#include "store/file/database.h"
#include "store/file/place.h"
#include "store/seal/due.h"
#include "store/seal/part_write.h"
#include "store/write/writer_cold.h"

enum {
  LOOK_EVERY_MS = 3000, /* a day is begun within 10 s of being due */
  AGAIN_MS = 250,       /* when the writer is not ready yet */
  BUSY_PAUSE_MS = 120, /* after a slice of the writer's, for those who wait */
  NICE = 5,             /* a quarter of a core that others want, all of one that nobody does */
};

struct sealer {
  struct shared *shared;
  struct chores *chores;
  oldest_query *oldest;
  void *arg;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  atomic_bool stopping;
  sqlite3 *db;
  struct view *view;
  struct due_days due;
  struct part_list dropped; /* whose files are still there */
  int64_t dropped_ns;       /* when they were first seen so; 0: not */
};

static void wait_ms(struct sealer *s, int64_t ms) {
  int64_t until = clock_monotonic_ns() + ms * 1000000;
  struct timespec deadline = {until / 1000000000, until % 1000000000};
  int rc = 0;
  pthread_mutex_lock(&s->lock);
  while (!atomic_load(&s->stopping) && rc != ETIMEDOUT)
    rc = pthread_cond_timedwait(&s->changed, &s->lock, &deadline);
  pthread_mutex_unlock(&s->lock);
}

/* What the writer has committed is on the disk.  The log is no file that SQLite has locks on. */
static int sync_log(struct sealer *s) {
  return place_sync(database_wal_path(s->db));
}

/* The folders of a file, and their names in those above. */
static int make_folders(const char *folder, const char *file) {
  char day[4096];
  snprintf(day, sizeof day, "%s/%.*s", folder, (int) strcspn(file, "/"), file);
  if ((mkdir(folder, 0700) < 0 && errno != EEXIST) || (mkdir(day, 0700) < 0 && errno != EEXIST))
    return -errno;
  int status = place_sync_folder(folder);
  return status == 0 ? place_sync(folder) : status;
}

static int put_in_place(const char *unfinished, const char *path) {
  return rename(unfinished, path) < 0 ? -errno : place_sync_folder(path);
}

static int write_file(struct sealer *s, struct part_order *order, struct buf *why) {
  const char *folder = part_files_folder(s->shared->parts);
  struct buf path = {0}, unfinished = {0};
  struct part_source source = {.db = s->db,
                               .schema = s->shared->schema,
                               .view = s->view,
                               .joined = order->joined,
                               .njoined = order->njoined};
  cold_path(&path, folder, order->part.file);
  buf_printf(&unfinished, "%s%s", path.data, COLD_UNFINISHED);
  buf_putc(&unfinished, '\0');
  int status = make_folders(folder, order->part.file);
  if (status == 0)
    status = database_status(database_exec(s->db, "BEGIN"));
  if (status == 0)
    status = database_status(view_refresh(s->view, s->db));
  if (status == 0)
    status = part_write(unfinished.data, s->shared->name, &source, &s->stopping, &order->part, why);
  if (!sqlite3_get_autocommit(s->db))
    database_exec(s->db, "ROLLBACK");
  if (status == 0 && order->part.rows > 0)
    status = put_in_place(unfinished.data, path.data);
  view_forget(s->view); /* no file that is removed stays open */
  if (status < 0 || order->part.rows == 0)
    unlink(unfinished.data);
  if (status < 0 && why->len == 0)
    buf_printf(why, "%s: %s", path.data, uv_strerror(status));
  buf_clear(&path);
  buf_clear(&unfinished);
  return status;
}

static void give_up(struct sealer *s, struct part_order *order, int status, struct buf *why) {
  if (status < 0 && status != UV_ECANCELED)
    log_error("a day could not be sealed; it is tried again",
              log_str("file", order->part.file), log_bytes("error", why->data, why->len));
  cold_remove(part_files_folder(s->shared->parts), order->part.file);
  chores_run(s->chores, writer_part_drop, order);
  if (chores_run(s->chores, writer_part_forget, order) == SQLITE_OK)
    due_put_off(&s->due);
}

/* The writer deletes the part's rows, slice by slice. */
static void take_rows(struct sealer *s, struct part_order *order) {
  order->done = false;
  while (!order->done && !atomic_load(&s->stopping)) {
    if (chores_run(s->chores, writer_part_take, order) != SQLITE_OK)
      return;
    if (!order->done && !queue_is_empty(s->chores->queue))
      wait_ms(s, BUSY_PAUSE_MS);
  }
}

static void make_part(struct sealer *s, struct part_order *order) {
  int64_t started = clock_monotonic_ns();
  struct buf why = {0};
  int rc = chores_run(s->chores, writer_part_begin, order);
  if (rc != SQLITE_OK) {
    take_rows(s, order); /* of the part before, where that failed */
    if (rc == SQLITE_BUSY)
      wait_ms(s, AGAIN_MS);
    else
      due_put_off(&s->due);
    return;
  }
  int status = sync_log(s);
  if (status == 0)
    status = write_file(s, order, &why);
  bool written = status == 0 && (order->part.rows > 0 || order->njoined > 0);
  if (!written || chores_run(s->chores, writer_part_live, order) != SQLITE_OK) {
    give_up(s, order, status, &why);
  } else {
    log_info(order->njoined > 0 ? "parts of a day are joined" : "a day is sealed",
             log_str("file", order->part.file), log_int("rows", order->part.rows),
             log_int("bytes", order->part.bytes),
             log_int("ms", (clock_monotonic_ns() - started) / 1000000));
    take_rows(s, order);
  }
  buf_clear(&why);
}

static void remove_dropped(struct sealer *s) {
  for (size_t i = 0; i < s->dropped.len; i++) {
    struct part_order order = {.part = s->dropped.items[i]};
    part_files_forget(s->shared->parts, order.part.number);
    if (cold_remove(part_files_folder(s->shared->parts), order.part.file))
      chores_run(s->chores, writer_part_forget, &order);
  }
  s->dropped_ns = 0;
}

/* Once all queries that may read them have ended: those that began before we saw it, that is; and
 * once it is on the disk that they are dropped. */
static void look_at_dropped(struct sealer *s) {
  if (s->dropped_ns != 0) {
    if (s->oldest(s->arg) > s->dropped_ns)
      remove_dropped(s);
    return;
  }
  s->dropped.len = 0;
  if (manifest_read(s->db, PART_DROPPED, &s->dropped) == SQLITE_OK && s->dropped.len > 0 &&
      sync_log(s) == 0)
    s->dropped_ns = clock_monotonic_ns();
}

static void resume_taking(struct sealer *s) {
  struct part_order order = {0};
  take_rows(s, &order);
}

/* The file may be away, or descriptors, for a while. */
static void open_database(struct sealer *s) {
  bool told = false;
  while (!atomic_load(&s->stopping)) {
    int rc = database_open(&s->db, s->shared->options.path, ACCESS_READER);
    if (rc == SQLITE_OK)
      return;
    sqlite3_close(s->db);
    s->db = NULL;
    if (!told)
      log_error("the database cannot be opened for sealing days; it is tried again",
                log_str("error", sqlite3_errstr(rc)));
    told = true;
    wait_ms(s, LOOK_EVERY_MS);
  }
}

static void *sealer_main(void *arg) {
  struct sealer *s = arg;
  setpriority(PRIO_PROCESS, 0, NICE); /* of this thread, as Linux has it */
  bool worked = false;
  open_database(s);
  resume_taking(s);
  while (!atomic_load(&s->stopping)) {
    struct part_order order = {0};
    int64_t joined[DUE_MOST_JOINED];
    order.joined = joined;
    look_at_dropped(s);
    if (due_next(&s->due, s->db, clock_now_us(), &order.part.day, joined, &order.njoined)) {
      make_part(s, &order);
      worked = true;
      continue;
    }
    if (worked)
      malloc_trim(0); /* what all those columns took */
    worked = false;
    wait_ms(s, LOOK_EVERY_MS);
  }
  return NULL;
}

static void sealer_free(struct sealer *s) {
  view_free(s->view);
  sqlite3_close(s->db);
  part_list_clear(&s->dropped);
  pthread_mutex_destroy(&s->lock);
  pthread_cond_destroy(&s->changed);
  free(s);
}

int sealer_start(struct sealer **sealer, struct shared *shared, struct chores *chores,
                 oldest_query *oldest, void *arg) {
  struct sealer *s = xcalloc(1, sizeof *s);
  pthread_condattr_t attributes;
  *s = (struct sealer){.shared = shared, .chores = chores, .oldest = oldest, .arg = arg,
                       .due = {.schema = shared->schema, .hot_days = shared->options.hot_days},
                       .view = view_new(shared->parts, shared->schema)};
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  int status = -pthread_create(&s->thread, NULL, sealer_main, s);
  if (status == 0)
    *sealer = s;
  else
    sealer_free(s);
  return status;
}

void sealer_stop(struct sealer *s) {
  if (s == NULL)
    return;
  pthread_mutex_lock(&s->lock);
  atomic_store(&s->stopping, true);
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
  pthread_join(s->thread, NULL);
  sealer_free(s);
}
