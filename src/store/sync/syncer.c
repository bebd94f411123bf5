#include "store/sync/syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* False: there will be no more. */
static bool next_commit(struct syncer *s, struct commit *next) {
  pthread_mutex_lock(&s->lock);
  while (s->waiting.group == NULL && !s->stopping)
    pthread_cond_wait(&s->changed, &s->lock);
  *next = s->waiting;
  s->waiting.group = NULL;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->lock);
  return next->group != NULL;
}

static int sync_wal(struct syncer *s) {
  if (atomic_load(&s->failed))
    return -EIO;
  int status = fdatasync(s->wal_fd) < 0 ? -errno : 0;
  if (status < 0)
    atomic_store(&s->failed, true);
  return status;
}

static void *run(void *arg) {
  struct syncer *s = arg;
  for (struct commit commit; next_commit(s, &commit);)
    s->done(s->arg, &commit, sync_wal(s));
  return NULL;
}

int syncer_start(struct syncer *s, const char *wal_path, syncer_done *done, void *arg) {
  *s = (struct syncer) {.wal_fd = open(wal_path, O_RDWR | O_CLOEXEC), .done = done, .arg = arg};
  if (s->wal_fd < 0)
    return -errno;
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->changed, NULL);
  int status = -pthread_create(&s->thread, NULL, run, s);
  if (status < 0)
    close(s->wal_fd);
  return status;
}

void syncer_push(struct syncer *s, const struct commit *commit) {
  pthread_mutex_lock(&s->lock);
  while (s->waiting.group != NULL)
    pthread_cond_wait(&s->changed, &s->lock);
  s->waiting = *commit;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->lock);
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
