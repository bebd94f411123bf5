#include "loop.h"

#include "base/log.h"
#include "base/mem.h"

static void receive_all(struct loop *loop) {
  pthread_mutex_lock(&loop->lock);
  struct message *m = loop->first;
  loop->first = NULL;
  loop->last = &loop->first;
  pthread_mutex_unlock(&loop->lock);

  while (m != NULL) {
    struct message *next = m->next;
    m->receive(m);
    m = next;
  }
}

static void on_wake(uv_async_t *async) {
  receive_all(container_of(async, struct loop, wake));
}

int loop_init(struct loop *loop, unsigned index) {
  *loop = (struct loop) {.index = index};
  loop->last = &loop->first;
  pthread_mutex_init(&loop->lock, NULL);
  int rc = uv_loop_init(&loop->uv);
  if (rc < 0)
    return rc;
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

static void *run(void *arg) {
  struct loop *loop = arg;
  uv_run(&loop->uv, UV_RUN_DEFAULT);
  return NULL;
}

int loop_start(struct loop *loop) {
  return -pthread_create(&loop->thread, NULL, run, loop);
}

void loop_join(struct loop *loop) {
  pthread_join(loop->thread, NULL);
}

void loop_close(struct loop *loop) {
  pthread_mutex_lock(&loop->lock);
  loop->closed = true;
  pthread_mutex_unlock(&loop->lock);
  receive_all(loop);
  uv_close((uv_handle_t *) &loop->wake, NULL);
}

int loop_clear(struct loop *loop) {
  pthread_mutex_destroy(&loop->lock);
  return uv_loop_close(&loop->uv);
}
