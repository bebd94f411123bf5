#ifndef MOONLEDGER_STORE_WRITE_CHORES_H
#define MOONLEDGER_STORE_WRITE_CHORES_H

#include <pthread.h>

#include "store/write/queue.h"

struct writer;

/* What other threads of the store have the writer do for them, one between two groups: it alone
 * writes to the file. */
struct chore;

struct chores {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct queue *queue; /* to wake the writer */
  struct chore *first;
  bool closed;
};

void chores_init(struct chores *c, struct queue *queue);
void chores_clear(struct chores *c);

/* Runs run(writer, arg) on the writer's thread, outside any transaction, and waits for it.  Returns
 * what it does; SQLITE_ABORT when there is no writer any more. */
int chores_run(struct chores *c, int (*run)(struct writer *w, void *arg), void *arg);

/* The writer's: does one, if there is any; and lets no more come in. */
bool chores_waiting(struct chores *c);
void chores_do(struct chores *c, struct writer *w);
void chores_close(struct chores *c);

#endif
