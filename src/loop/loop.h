#ifndef MOONLEDGER_LOOP_LOOP_H
#define MOONLEDGER_LOOP_LOOP_H

#include <pthread.h>
#include <stdbool.h>
#include <uv.h>

/* What one thread hands to a loop.  Embedded in the sender's object; receive runs on the
 * loop's thread and owns the object from then on. */
struct message {
  struct message *next;
  void (*receive)(struct message *m);
};

/* One event-loop thread.  Loop 0 runs on the main thread.  What else a thread owns stands
 * in arrays by index, in the rooms whose it is. */
struct loop {
  uv_loop_t uv;
  unsigned index;

  uv_check_t turn_end;
  uv_idle_t no_wait;             /* so that a turn ends that has something at its end */
  struct message *ending, **last_ending;

  uv_async_t wake;
  pthread_mutex_t lock;
  struct message *first, **last; /* the mailbox, under lock */
  bool closed;                   /* under lock */
  pthread_t thread;
};

int loop_init(struct loop *loop, unsigned index);

/* Any thread.  Messages of one sender arrive in their order.  After loop_close they are
 * received at once by the caller, so that nothing they own is lost. */
void loop_post(struct loop *loop, struct message *m);

/* On the loop's thread: m is received when this turn has served all that was ready,
 * before the loop waits again. */
void loop_at_turn_end(struct loop *loop, struct message *m);

int loop_start(struct loop *loop);  /* runs it on a thread of its own */
void loop_join(struct loop *loop);  /* waits for that thread */

/* On the loop's thread: closes the mailbox; uv_run returns once every other handle is
 * closed too. */
void loop_close(struct loop *loop);

/* After uv_run has returned.  UV_EBUSY when a handle is still open. */
int loop_clear(struct loop *loop);

#endif
