#include "store/upkeep.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/file/upgrade.h"

struct upkeep {
  char *path;
  pthread_mutex_t lock;
  pthread_t thread;
  struct upkeep_progress progress;
  struct upkeep_order order; /* the thread's while it runs */
  struct upkeep_state state; /* under lock, but for what progress tells */
};

const char *const upkeep_names[UPKEEP_NAMES + 1] = {
    [UPKEEP_UPGRADE] = "upgrade",
};

struct upkeep *upkeep_new(const char *path) {
  struct upkeep *u = xcalloc(1, sizeof *u);
  u->path = xstrdup(path);
  pthread_mutex_init(&u->lock, NULL);
  return u;
}

static int carry_out(struct upkeep *u, struct buf *error) {
  switch (u->order.kind) {
  case UPKEEP_UPGRADE: return upgrade_file(u->path, &u->progress, error);
  }
  return UV_EINVAL;
}

static void *upkeep_main(void *arg) {
  struct upkeep *u = arg;
  struct buf error = {0};
  int status = carry_out(u, &error);
  pthread_mutex_lock(&u->lock);
  u->state.running = false;
  u->state.ended_us = clock_now_us();
  u->state.status = status;
  snprintf(u->state.error, sizeof u->state.error, "%.*s", (int) error.len,
           error.len > 0 ? error.data : "");
  pthread_mutex_unlock(&u->lock);
  buf_clear(&error);
  return NULL;
}

/* Under the lock; what ran before has ended. */
static int start_thread(struct upkeep *u, const struct upkeep_order *order) {
  if (u->state.started)
    pthread_join(u->thread, NULL);
  u->order = *order;
  atomic_store(&u->progress.cancelled, false);
  upkeep_step(&u->progress, "starting", 0);
  u->state = (struct upkeep_state) {.kind = order->kind, .began_us = clock_now_us()};
  int status = -pthread_create(&u->thread, NULL, upkeep_main, u);
  u->state.started = u->state.running = status == 0;
  return status;
}

int upkeep_start(struct upkeep *u, const struct upkeep_order *order) {
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
  free(u->path);
  free(u);
}
