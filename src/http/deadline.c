#include "http/exchange.h"

enum { DRAIN_MS = 1000 };

static int64_t span_ms(const struct connections *all, enum deadline deadline) {
  switch (deadline) {
  case DEADLINE_HEAD:
    return all->limits.header_ms;
  case DEADLINE_BODY:
    return all->limits.body_ms;
  case DEADLINE_DRAIN:
    return DRAIN_MS;
  default:
    return all->limits.idle_ms;
  }
}

static void on_timer(uv_timer_t *timer);

static void start_timer(struct connections *all, int64_t at) {
  int64_t now = (int64_t) uv_now(&all->loop->uv);
  all->timer_at = at;
  uv_timer_start(&all->timer, on_timer, at > now ? (uint64_t) (at - now) : 0, 0);
}

static void leave_list(struct conn *c) {
  struct deadline_list *list = &c->all->deadlines[c->deadline];
  *c->deadline_prev = c->deadline_next;
  if (c->deadline_next != NULL)
    c->deadline_next->deadline_prev = c->deadline_prev;
  else
    list->last = c->deadline_prev;
}

static void enter_list(struct conn *c, enum deadline deadline) {
  struct deadline_list *list = &c->all->deadlines[deadline];
  c->deadline_next = NULL;
  c->deadline_prev = list->last;
  *list->last = c;
  list->last = &c->deadline_next;
}

/* The timer is not moved when a deadline goes away: it then fires once for nothing, which
 * is cheaper than moving it twice per request. */
void deadline_set(struct conn *c, enum deadline deadline) {
  struct connections *all = c->all;
  if (c->deadline != DEADLINE_NONE)
    leave_list(c);
  c->deadline = deadline;
  if (deadline == DEADLINE_NONE)
    return;
  enter_list(c, deadline);
  c->deadline_ms = (int64_t) uv_now(&all->loop->uv) + span_ms(all, deadline);
  if (all->timer_at == 0 || c->deadline_ms < all->timer_at)
    start_timer(all, c->deadline_ms);
}

static void check_sending(struct conn *c) {
  size_t left = c->queued_bytes + uv_stream_get_write_queue_size((uv_stream_t *) &c->tcp);
  if (left > 0 && left == c->progress) {
    conn_close(c, "the client does not read");
    return;
  }
  c->progress = left;
  deadline_set(c, DEADLINE_SEND);
}

static void expire_deadline(struct conn *c) {
  switch (c->deadline) {
  case DEADLINE_HEAD:
  case DEADLINE_BODY:
    exchange_timeout(c->exchange);
    break;
  case DEADLINE_SEND:
    check_sending(c);
    break;
  default:
    conn_close(c, "idle");
  }
}

static void on_timer(uv_timer_t *timer) {
  struct connections *all = timer->data;
  int64_t now = (int64_t) uv_now(&all->loop->uv), next = 0;
  for (int i = DEADLINE_NONE + 1; i < DEADLINES; i++) {
    struct deadline_list *list = &all->deadlines[i];
    while (list->first != NULL && list->first->deadline_ms <= now)
      expire_deadline(list->first);
    if (list->first != NULL && (next == 0 || list->first->deadline_ms < next))
      next = list->first->deadline_ms;
  }
  if (all->drain_until != 0 && all->drain_until <= now)
    connections_close_all(all);
  else if (all->drain_until != 0 && (next == 0 || all->drain_until < next))
    next = all->drain_until;

  all->timer_at = 0;
  if (next != 0)
    start_timer(all, next);
}

void deadlines_init(struct connections *all) {
  for (int i = 0; i < DEADLINES; i++)
    all->deadlines[i].last = &all->deadlines[i].first;
  uv_timer_init(&all->loop->uv, &all->timer);
  all->timer.data = all;
  uv_unref((uv_handle_t *) &all->timer);
}

void deadlines_drain(struct connections *all, int64_t ms) {
  all->drain_until = (int64_t) uv_now(&all->loop->uv) + ms;
  if (all->timer_at == 0 || all->drain_until < all->timer_at)
    start_timer(all, all->drain_until);
}
