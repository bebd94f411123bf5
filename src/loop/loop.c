#include "loop/loop.h"

#include "base/log.h"
#include "base/mem.h"

static void receive_list(struct message *m) {
  while (m != NULL) {
    struct message *next = m->next;
    m->receive(m);
    m = next;
  }
}

static void receive_all(struct loop *loop) {
  pthread_mutex_lock(&loop->lock);
  struct message *m = loop->first;
  loop->first = NULL;
  loop->last = &loop->first;
  pthread_mutex_unlock(&loop->lock);
  receive_list(m);
}

static void end_turn(struct loop *loop) {
  struct message *m = loop->ending;
  loop->ending = NULL;
  loop->last_ending = &loop->ending;
  uv_check_stop(&loop->turn_end);
  uv_idle_stop(&loop->no_wait);
  receive_list(m);
}

static void on_turn_end(uv_check_t *check) {
  end_turn(container_of(check, struct loop, turn_end));
}

static void on_no_wait(uv_idle_t *idle) {
  (void) idle;
}

static void on_wake(uv_async_t *async) {
  receive_all(container_of(async, struct loop, wake));
}

int loop_init(struct loop *loop, unsigned index) {
  *loop = (struct loop){.index = index};
  loop->last = &loop->first;
  loop->last_ending = &loop->ending;
  pthread_mutex_init(&loop->lock, NULL);
  int rc = uv_loop_init(&loop->uv);
  if (rc < 0)
    return rc;
  uv_check_init(&loop->uv, &loop->turn_end);
  uv_idle_init(&loop->uv, &loop->no_wait);
  return uv_async_init(&loop->uv, &loop->wake, on_wake);
}

void loop_post(struct loop *loop, struct message *m) {
  m->next = NULL;
  pthread_mutex_lock(&loop->lock);
  bool closed = loop->closed;
  bool idle = loop->first == NULL;
  if (!closed) {
    *loop->last = m;
    loop->last = &m->next;
    if (idle)
      uv_async_send(&loop->wake);
  }
  pthread_mutex_unlock(&loop->lock);
  if (closed)
    m->receive(m);
}

void loop_at_turn_end(struct loop *loop, struct message *m) {
  m->next = NULL;
  if (uv_is_closing((uv_handle_t *) &loop->turn_end)) {
    m->receive(m);
    return;
  }
  *loop->last_ending = m;
  loop->last_ending = &m->next;
  uv_check_start(&loop->turn_end, on_turn_end);
  uv_idle_start(&loop->no_wait, on_no_wait);
}

static void *run_loop(void *arg) {
  struct loop *loop = arg;
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  return NULL;
}

int loop_start(struct loop *loop) {
  return -pthread_create(&loop->thread, NULL, run_loop, loop);
}

void loop_join(struct loop *loop) {
  pthread_join(loop->thread, NULL);
}

void loop_close(struct loop *loop) {
  pthread_mutex_lock(&loop->lock);
  loop->closed = true;
  pthread_mutex_unlock(&loop->lock);
  receive_all(loop);
  end_turn(loop);
  uv_close((uv_handle_t *) &loop->turn_end, NULL);
  uv_close((uv_handle_t *) &loop->no_wait, NULL);
  uv_close((uv_handle_t *) &loop->wake, NULL);
}

int loop_clear(struct loop *loop) {
  pthread_mutex_destroy(&loop->lock);
  return uv_loop_close(&loop->uv);
}
