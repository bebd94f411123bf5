#include "store/write/chores.h"

#include <sqlite3.h>

struct chore {
  int (*run)(struct writer *w, void *arg);
  void *arg;
  int rc;
  bool done;
  struct chore *next;
};

void chores_init(struct chores *c, struct queue *queue) {
  *c = (struct chores){.queue = queue};
  pthread_mutex_init(&c->lock, NULL);
  pthread_cond_init(&c->changed, NULL);
}

void chores_clear(struct chores *c) {
  pthread_mutex_destroy(&c->lock);
  pthread_cond_destroy(&c->changed);
}

int chores_run(struct chores *c, int (*run)(struct writer *w, void *arg), void *arg) {
  struct chore chore = {.run = run, .arg = arg, .rc = SQLITE_ABORT}, **last = &c->first;
  pthread_mutex_lock(&c->lock);
  if (!c->closed) {
    while (*last != NULL)
      last = &(*last)->next;
    *last = &chore;
    queue_wake(c->queue);
  }
  while (!chore.done && !c->closed)
    pthread_cond_wait(&c->changed, &c->lock);
  pthread_mutex_unlock(&c->lock);
  return chore.rc;
}

bool chores_waiting(struct chores *c) {
  pthread_mutex_lock(&c->lock);
  bool waiting = c->first != NULL;
  pthread_mutex_unlock(&c->lock);
  return waiting;
}

void chores_do(struct chores *c, struct writer *w) {
  pthread_mutex_lock(&c->lock);
  struct chore *chore = c->first;
  if (chore != NULL)
    c->first = chore->next;
  pthread_mutex_unlock(&c->lock);
  if (chore == NULL)
    return;
  int rc = chore->run(w, chore->arg);
  pthread_mutex_lock(&c->lock);
  chore->rc = rc;
  chore->done = true;
  pthread_cond_broadcast(&c->changed);
  pthread_mutex_unlock(&c->lock);
}

void chores_close(struct chores *c) {
  pthread_mutex_lock(&c->lock);
  c->closed = true;
  c->first = NULL;
  pthread_cond_broadcast(&c->changed);
  pthread_mutex_unlock(&c->lock);
}
