#include "store/sync/syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

/* False: there will be no more. */
static bool next_group(struct syncer *s, struct group *next) {
  pthread_mutex_lock(&s->lock);
  s->busy = false;
  while (s->waiting.first == NULL && !s->stopping)
    pthread_cond_wait(&s->changed, &s->lock);
  *next = s->waiting;
  s->waiting.first = NULL;
  s->busy = next->first != NULL;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->lock);
  return next->first != NULL;
}

static int sync_group(struct syncer *s, const struct group *group) {
  if (atomic_load(&s->failed))
    return -EIO;
  if (!group->wrote)
    return 0;
  int status = fdatasync(s->wal_fd) < 0 ? -errno : 0;
  if (status < 0)
    atomic_store(&s->failed, true);
  return status;
}

static void fail_group(struct syncer *s, const struct group *group, int status) {
  char error[sizeof group->first->error];
  snprintf(error, sizeof error, "the log could not be synced to the disk: %s", uv_strerror(status));
  log_error("sync failed", log_str("error", error));
  receipts_fail(s->receipts, group, status, error);
}

static void *syncer_main(void *arg) {
  struct syncer *s = arg;
  for (struct group group; next_group(s, &group);) {
    int status = sync_group(s, &group);
    s->synced(s->arg);
    if (status == 0)
      receipts_succeed(s->receipts, &group);
    else
      fail_group(s, &group, status);
  }
  return NULL;
}

int syncer_start(struct syncer *s, const char *wal_path, const struct receipts *receipts,
                 void (*synced)(void *arg), void *arg) {
  *s = (struct syncer){.wal_fd = open(wal_path, O_RDWR | O_CLOEXEC),
                       .receipts = receipts,
                       .synced = synced,
                       .arg = arg};
  if (s->wal_fd < 0)
    return -errno;
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->changed, NULL);
  int status = -pthread_create(&s->thread, NULL, syncer_main, s);
  if (status < 0)
    close(s->wal_fd);
  return status;
}

void syncer_push(struct syncer *s, const struct group *group) {
  pthread_mutex_lock(&s->lock);
  while (s->waiting.first != NULL)
    pthread_cond_wait(&s->changed, &s->lock);
  s->waiting = *group;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->lock);
}

bool syncer_is_idle(struct syncer *s) {
  pthread_mutex_lock(&s->lock);
  bool idle = !s->busy && s->waiting.first == NULL && !atomic_load(&s->failed);
  pthread_mutex_unlock(&s->lock);
  return idle;
}

void syncer_stop(struct syncer *s) {
  pthread_mutex_lock(&s->lock);
  s->stopping = true;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->lock);
  pthread_join(s->thread, NULL);
  pthread_mutex_destroy(&s->lock);
  pthread_cond_destroy(&s->changed);
  close(s->wal_fd);
}
