#include "store/upkeep.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/upkeep/backup.h"
#include "store/upkeep/upgrade.h"
#include "store/upkeep/verify.h"

struct upkeep {
  char *path, *backups;
  char *folder; /* of this order */
  const struct schema *schema;
  pthread_mutex_t lock;
  pthread_t thread;
  struct upkeep_progress progress;
  struct upkeep_order order; /* the thread's while it runs */
  struct upkeep_report report; /* the same */
  struct upkeep_state state;   /* under lock, but for what progress tells */
};

const char *const upkeep_names[UPKEEP_KINDS + 1] = {
    [UPKEEP_UPGRADE] = "upgrade",
    [UPKEEP_BACKUP] = "backup",
    [UPKEEP_RESTORE] = "restore",
    [UPKEEP_VERIFY] = "verify",
};

struct upkeep *upkeep_new(const char *path, const char *backups, const struct schema *schema) {
  struct upkeep *u = xcalloc(1, sizeof *u);
  u->schema = schema;
  u->path = xstrdup(path);
  u->backups = xstrdup(backups);
  pthread_mutex_init(&u->lock, NULL);
  return u;
}

static int carry_out(struct upkeep *u, struct buf *error) {
  switch (u->order.kind) {
  case UPKEEP_UPGRADE: return upgrade_file(u->path, &u->progress, error);
  case UPKEEP_BACKUP: return backup_make(u->path, u->folder, &u->progress, &u->report, error);
  case UPKEEP_RESTORE: return backup_restore(u->folder, u->path, &u->progress, &u->report, error);
  case UPKEEP_VERIFY:
    return verify_database(u->path, u->schema, &u->order, &u->progress, &u->report, error);
  default: return UV_EINVAL;
  }
}

static void *upkeep_main(void *arg) {
  struct upkeep *u = arg;
  struct buf error = {0};
  int status = carry_out(u, &error);
  pthread_mutex_lock(&u->lock);
  u->state.running = false;
  u->state.ended_us = clock_now_us();
  u->state.status = status;
  u->state.report = u->report;
  snprintf(u->state.error, sizeof u->state.error, "%.*s", (int) error.len,
           error.len > 0 ? error.data : "");
  pthread_mutex_unlock(&u->lock);
  buf_clear(&error);
  return NULL;
}

/* BACKUPS/NAME-20261128T201530Z */
static char *name_folder(const struct upkeep *u) {
  struct buf folder = {0};
  struct tm tm;
  char when[24];
  time_t now = (time_t) clock_now_s();
  const char *slash = strrchr(u->path, '/'), *name = slash != NULL ? slash + 1 : u->path;
  size_t len = strlen(name);
  strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
  if (len > 3 && strcmp(name + len - 3, ".db") == 0)
    len -= 3;
  buf_printf(&folder, "%s/%.*s-%s", u->backups, (int) len, name, when);
  buf_putc(&folder, '\0');
  return folder.data;
}

static char *folder_of(const struct upkeep *u, const struct upkeep_order *order) {
  if (order->folder != NULL)
    return xstrdup(order->folder);
  return order->kind == UPKEEP_BACKUP ? name_folder(u) : NULL;
}

/* Under the lock; what ran before has ended. */
static int start_thread(struct upkeep *u, const struct upkeep_order *order) {
  if (u->state.started)
    pthread_join(u->thread, NULL);
  u->order = *order;
  free(u->folder);
  u->folder = folder_of(u, order);
  u->report = (struct upkeep_report){0};
  atomic_store(&u->progress.cancelled, false);
  upkeep_step(&u->progress, "starting", 0);
  u->state = (struct upkeep_state){.kind = order->kind, .began_us = clock_now_us()};
  if (u->folder != NULL)
    snprintf(u->state.folder, sizeof u->state.folder, "%s", u->folder);
  int status = -pthread_create(&u->thread, NULL, upkeep_main, u);
  u->state.started = u->state.running = status == 0;
  return status;
}

int upkeep_start(struct upkeep *u, const struct upkeep_order *order) {
  if (order->kind == UPKEEP_BACKUP && order->folder == NULL && *u->backups == '\0')
    return UV_ENOENT;
  pthread_mutex_lock(&u->lock);
  int status = u->state.running ? UV_EBUSY : start_thread(u, order);
  pthread_mutex_unlock(&u->lock);
  return status;
}

void upkeep_look(struct upkeep *u, struct upkeep_state *state) {
  pthread_mutex_lock(&u->lock);
  *state = u->state;
  pthread_mutex_unlock(&u->lock);
  state->step = atomic_load(&u->progress.step);
  state->done = atomic_load(&u->progress.done);
  state->total = atomic_load(&u->progress.total);
}

void upkeep_free(struct upkeep *u) {
  if (u == NULL)
    return;
  atomic_store(&u->progress.cancelled, true);
  if (u->state.started)
    pthread_join(u->thread, NULL);
  pthread_mutex_destroy(&u->lock);
  free(u->folder);
  free(u->backups);
  free(u->path);
  free(u);
}
