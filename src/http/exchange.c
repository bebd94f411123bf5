#include "http/exchange.h"

#include <stdlib.h>

#include "base/clock.h"
#include "http/router.h"

enum { POOLED_MAX = 64, KEPT_HEAD_BYTES = 4 << 10 };

static void read_remote(struct exchange *e) {
  struct sockaddr_storage address = {0};
  int len = sizeof address;
  e->remote[0] = '\0';
  if (uv_tcp_getpeername(&e->request.conn->tcp, (struct sockaddr *) &address, &len) == 0)
    uv_ip_name((struct sockaddr *) &address, e->remote, sizeof e->remote);
  if (strncmp(e->remote, "::ffff:", 7) == 0 && strchr(e->remote, '.') != NULL)
    memmove(e->remote, e->remote + 7, strlen(e->remote + 7) + 1);
}

static void begin_request(struct exchange *e, struct conn *c) {
  struct request *r = &e->request;
  e->head.len = 0;
  e->in = (struct incoming){0};
  e->out = (struct outgoing){0};
  e->state = EXCHANGE_HEAD;
  *r = (struct request){
      .conn = c, .loop = c->all->loop, .headers = r->headers, .remote = e->remote};
}

static void release_request(struct exchange *e) {
  if (e->request.site != NULL)
    e->request.site->unref(e->request.site);
  body_clear(e);
  buf_clear(&e->target);
  if (e->head.cap > KEPT_HEAD_BYTES)
    buf_clear(&e->head);
}

struct exchange *exchange_new(struct conn *c) {
  struct connections *all = c->all;
  struct exchange *e = all->pool;
  if (e != NULL)
    all->pool = e->next_free, all->pooled--;
  else
    e = xcalloc(1, sizeof *e);
  begin_request(e, c);
  e->reading = true;
  read_remote(e);
  return e;
}

static void destroy_exchange(struct exchange *e) {
  buf_clear(&e->head);
  free(e->request.headers);
  free(e);
}

static void leave_ready(struct exchange *e) {
  struct connections *all = e->request.conn->all;
  struct exchange **p = &all->ready;
  while (*p != e)
    p = *p != NULL ? &(*p)->next_ready : &all->resuming;
  *p = e->next_ready;
  e->waiting = false;
}

void exchange_free(struct exchange *e) {
  struct connections *all = e->request.conn->all;
  if (e->waiting)
    leave_ready(e);
  buf_clear(&e->pending);
  release_request(e);
  e->feeding = false;
  if (all->pooled == POOLED_MAX) {
    destroy_exchange(e);
    return;
  }
  e->next_free = all->pool;
  all->pool = e;
  all->pooled++;
}

void exchanges_clear(struct connections *all) {
  while (all->pool != NULL) {
    struct exchange *e = all->pool;
    all->pool = e->next_free;
    destroy_exchange(e);
  }
}

/* Of a raw route, while its handler has the request. */
static bool takes_streamed(const struct exchange *e) {
  return e->in.streamed && !e->in.complete && !e->in.broken &&
         (e->state == EXCHANGE_HANDLING || e->state == EXCHANGE_STREAMING) &&
         e->request.body.len < STREAMED_BYTES;
}

static bool takes_input(const struct exchange *e) {
  const struct conn *c = e->request.conn;
  return takes_streamed(e) || ((e->state == EXCHANGE_HEAD || e->state == EXCHANGE_BODY) &&
                               !e->in.inflating && c->queued_bytes <= QUEUE_BYTES);
}

static void choose_deadline(struct exchange *e) {
  struct conn *c = e->request.conn;
  if (c->queued_bytes > 0)
    return; /* DEADLINE_SEND since they were queued */
  enum deadline wanted = DEADLINE_NONE;
  if (e->state == EXCHANGE_HEAD)
    wanted = e->head.len > 0 ? DEADLINE_HEAD : DEADLINE_IDLE;
  else if (e->state == EXCHANGE_BODY || takes_streamed(e))
    wanted = DEADLINE_BODY;
  if (wanted == e->in.deadline && wanted == c->deadline)
    return; /* it counts from the begin of this head or body */
  e->in.deadline = wanted;
  deadline_set(c, wanted);
}

/* Between requests, or while one is being read or handled: what the connection waits for now. */
static void settle_exchange(struct exchange *e) {
  if (e->request.conn->ended && e->state == EXCHANGE_HEAD && e->pending.len == 0)
    conn_finish(e->request.conn);
  else
    choose_deadline(e);
}

static void hand_over(struct exchange *e) {
  e->request.now_us = clock_now_us();
  e->state = EXCHANGE_HANDLING;
  dispatch(e);
}

static void complete_request(struct exchange *e) {
  const char *why;
  if (e->in.refused) {
    dispatch_refuse(e);
    return;
  }
  int status = body_end(e, &why);
  if (status != 0) {
    exchange_fail(e, status, why);
    return;
  }
  hand_over(e);
}

/* A small body that nobody wants is read all the same, so that the connection can go on; not one
 * that the client may keep back, now that it is refused. */
static void start_body(struct exchange *e, bool arrived) {
  bool small = !(e->parser.flags & F_CHUNKED) && e->parser.content_length <= DISCARD_BYTES;
  bool waits = e->in.expects_continue && !arrived;
  if (e->in.refused && (!small || e->in.expects_continue)) {
    e->in.keep_alive = false;
    dispatch_refuse(e);
    return;
  }
  e->state = EXCHANGE_BODY;
  if (waits) {
    buf_literal(output_begin(e->request.conn), "HTTP/1.1 100 Continue\r\n\r\n");
    output_flush(e->request.conn, NULL);
  }
  if (e->in.streamed && !e->request.conn->closing)
    hand_over(e);
}

static size_t take_head(struct exchange *e, const char *data, size_t len) {
  size_t used;
  int status = parse_head(e, data, len, &used);
  if (status == PARSE_MORE)
    return used;
  if (status == 0)
    status = dispatch_head(e);
  if (status != 0) {
    exchange_fail(e, status, e->in.fault_text);
    return used;
  }
  if (e->in.complete)
    complete_request(e);
  else
    start_body(e, used < len);
  return used;
}

/* A slice of what has come of a body; its request goes on when nothing is left of that.  A fault
 * behind it is told then, as when it comes later: of two the first. */
static void inflate_some(struct exchange *e) {
  const char *why;
  int status = body_inflate(e, &why);
  if (status != 0)
    exchange_fail(e, status, why);
  else if (e->in.inflating)
    exchange_wake(e);
  else if (e->in.fault != 0)
    exchange_fail(e, e->in.fault, e->in.fault_text);
  else if (e->in.complete)
    complete_request(e);
}

static void tell_arrived(struct exchange *e, bool broken) {
  if (broken) {
    e->in.broken = true;
    counter_add(&e->request.conn->all->parse_errors, 1);
  }
  e->request.site->arrived(&e->request);
}

static size_t take_body(struct exchange *e, const char *data, size_t len) {
  size_t used;
  int status = parse_body(e, data, len, &used);
  e->in.arrived += used;
  if (e->in.streamed)
    tell_arrived(e, status > 0);
  else
    inflate_some(e);
  return used;
}

static void keep_input(struct exchange *e, const char *data, size_t len) {
  buf_append(&e->pending, data, len);
  if (e->reading)
    conn_stop_reading(e->request.conn);
  e->reading = false;
}

static void go_on(struct exchange *e, const char *data, size_t len) {
  struct conn *c = e->request.conn;
  e->feeding = true;
  if (e->in.inflating)
    inflate_some(e);
  if (c->closing || c->exchange != e)
    return;
  while (len > 0 && takes_input(e)) {
    size_t used = e->state == EXCHANGE_HEAD ? take_head(e, data, len) : take_body(e, data, len);
    if (c->closing || c->exchange != e) /* over, or a stream now */
      return;
    data += used;
    len -= used;
  }
  e->feeding = false;
  if (len > 0)
    keep_input(e, data, len);
  output_flush(c, NULL);
  if (!c->closing)
    settle_exchange(e);
}

void exchange_feed(struct exchange *e, const char *data, size_t len) {
  if (e->in.inflating)
    keep_input(e, data, len);
  else
    go_on(e, data, len);
}

void exchange_next(struct exchange *e) {
  struct conn *c = e->request.conn;
  if (!e->in.keep_alive) {
    conn_finish(c);
    return;
  }
  release_request(e);
  begin_request(e, c);
  if (e->feeding)
    return;
  if (e->pending.len > 0)
    exchange_wake(e);
  settle_exchange(e);
}

void exchange_ended(struct exchange *e) {
  bool in_head = e->state == EXCHANGE_HEAD && e->head.len > 0;
  bool handled = e->state == EXCHANGE_HANDLING || e->state == EXCHANGE_STREAMING;
  if (handled && e->request.route->raw) /* so that whoever it is passed on to stops too */
    conn_close(e->request.conn, "the client has left");
  else if (in_head || (e->state == EXCHANGE_BODY && !e->in.complete))
    exchange_fail(e, 400, "the request ended early");
  else
    settle_exchange(e);
}

void exchange_drained(struct exchange *e) {
  if (e->pending.len > 0 && takes_input(e))
    exchange_wake(e);
  choose_deadline(e);
  bool packing = e->out.packer != NULL && gzip_stream_is_busy(e->out.packer);
  if (e->state == EXCHANGE_STREAMING && e->out.on_drain != NULL && !packing)
    e->out.on_drain(&e->request);
}

void exchange_wake(struct exchange *e) {
  struct connections *all = e->request.conn->all;
  if (e->waiting)
    return;
  e->waiting = true;
  e->next_ready = all->ready;
  all->ready = e;
}

static void resume_exchange(struct exchange *e) {
  struct conn *c = e->request.conn;
  struct buf input = buf_take(&e->pending);
  leave_ready(e);
  if (!c->closing)
    go_on(e, input.data, input.len);
  buf_clear(&input);
  if (c->closing || c->exchange != e || e->pending.len > 0 || e->reading || c->ended)
    return;
  e->reading = true;
  int rc = conn_start_reading(c);
  if (rc < 0)
    conn_close(c, uv_strerror(rc));
}

static void on_no_wait(uv_idle_t *idle) {
  (void) idle;
}

/* Those that have more to do than one turn's wait for the next one. */
void exchanges_wake(struct connections *all) {
  all->resuming = all->ready;
  all->ready = NULL;
  while (all->resuming != NULL)
    resume_exchange(all->resuming);
  if (all->ready != NULL)
    uv_idle_start(&all->no_wait, on_no_wait);
  else
    uv_idle_stop(&all->no_wait);
}

void exchange_fail(struct exchange *e, int status, const char *message) {
  counter_add(&e->request.conn->all->parse_errors, 1);
  e->in.keep_alive = false;
  http_respond_error(&e->request, status, message, NULL);
}

void exchange_timeout(struct exchange *e) {
  struct connections *all = e->request.conn->all;
  size_t expected = all->limits.body_bytes_per_second * (size_t) all->limits.body_ms / 1000;
  if ((e->state == EXCHANGE_BODY || e->in.streamed) && e->in.arrived > 0 &&
      e->in.arrived >= expected) {
    e->in.arrived = 0;
    deadline_set(e->request.conn, DEADLINE_BODY);
    return;
  }
  counter_add(&all->timeouts, 1);
  if (e->in.streamed) {
    deadline_set(e->request.conn, DEADLINE_NONE);
    tell_arrived(e, true);
    return;
  }
  e->in.keep_alive = false;
  http_respond_error(&e->request, 408, "the request took too long to arrive", NULL);
}

enum body_state http_body_state(const struct request *r) {
  const struct exchange *e = container_of(r, struct exchange, request);
  if (e->in.broken)
    return BODY_BROKEN;
  return e->in.complete ? BODY_WHOLE : BODY_COMING;
}

void http_body_taken(struct request *r) {
  struct exchange *e = exchange_of(r);
  if (takes_streamed(e) && (e->pending.len > 0 || !e->reading))
    exchange_wake(e);
}

bool exchange_has_read_all(const struct exchange *e) {
  return e->pending.len == 0 && (e->in.complete || (e->state == EXCHANGE_HEAD && e->head.len == 0));
}

void exchange_abandon(struct exchange *e) {
  if (e->out.packer != NULL)
    gzip_abandon(e->out.packer);
  if (e->state == EXCHANGE_HANDLING || e->state == EXCHANGE_STREAMING)
    e->request.site->cancel(&e->request);
}
