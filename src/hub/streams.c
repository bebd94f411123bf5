#include "hub/streams.h"

#include <stdlib.h>

#include "base/mem.h"
#include "http/connection.h"
#include "hub/frames.h"
#include "hub/subscriber.h"

enum {
  STUCK_MS = 30000,
  MAX_TICK_MS = 1000,
  /* in the kernel: what it held more would only hide that a client is slow */
  SEND_BUFFER_BYTES = 256 << 10,
};

static void link_subscriber(struct subscriber *sub, struct subscriber **list) {
  sub->next = *list;
  sub->prev = list;
  if (sub->next != NULL)
    sub->next->prev = &sub->next;
  *list = sub;
}

static void unlink_subscriber(struct subscriber *sub) {
  if (sub->streams->delivery.next == sub)
    sub->streams->delivery.next = sub->next;
  *sub->prev = sub->next;
  if (sub->next != NULL)
    sub->next->prev = sub->prev;
}

void subscriber_set_state(struct subscriber *sub, enum subscriber_state state) {
  unlink_subscriber(sub);
  sub->state = state;
  link_subscriber(sub, state == SUBSCRIBER_LIVE ? &sub->group->live : &sub->streams->behind);
}

void subscriber_send_text(struct subscriber *sub, struct buf *text) {
  struct payload *p = payload_of_text(text, sub->chunked);
  conn_send(sub->conn, p, 0);
  payload_unref(p);
}

void subscriber_tell_dropped(struct subscriber *sub, uint64_t dropped, struct place place) {
  struct hub *hub = sub->streams->hub;
  struct buf text = {0};
  event_write_id(&text, hub_name(hub), place);
  write_own_event(&text, hub_schema(hub)->overflow, dropped, sub->connection_id);
  hub_note_dropped(hub, dropped);
  subscriber_send_text(sub, &text);
}

/* It has lost its place in the ring and goes on at the tail. */
static void skip_to_tail(struct subscriber *sub) {
  uint64_t dropped = sub->group->matched - sub->seen;
  replay_end(sub);
  subscriber_set_state(sub, SUBSCRIBER_LIVE);
  if (dropped > 0)
    subscriber_tell_dropped(sub, dropped, sub->streams->place);
}

void subscriber_read_from(struct subscriber *sub, uint64_t cursor) {
  sub->cursor = cursor;
  uint64_t tail = sub->streams->cursor;
  sub->seen = sub->group->matched - (cursor < tail ? tail - cursor : 0);
  subscriber_set_state(sub, SUBSCRIBER_BEHIND);
  uv_async_send(&sub->streams->listener.wake);
}

void streams_each_group(struct streams *s, visit_group *visit, void *arg) {
  for (struct topic *t = s->groups.topics, *next_topic; t != NULL; t = next_topic) {
    next_topic = t->next;
    struct group *lists[] = {t->plain, t->indexed};
    for (size_t i = 0; i < 2; i++)
      for (struct group *g = lists[i], *next; g != NULL; g = next) {
        next = g->next;
        visit(s, g, arg);
      }
  }
}

void streams_leave_group(struct streams *s, struct group *g) {
  if (groups_leave(&s->groups, g))
    hub_note_groups(s->hub, -1);
}

static size_t find_hits(const struct subscriber *sub, struct stretch *stretch,
                        struct event **hits) {
  const struct schema *schema = hub_schema(sub->streams->hub);
  size_t n = 0;
  for (size_t i = 0; i < stretch->count; i++) {
    struct event *e = stretch->events[i];
    bool replayed = sub->replay != NULL && replay_covers(sub->replay, stretch->from + i);
    const struct conditions *where = replayed ? replay_where(sub->replay) : sub->group->where;
    if (strcmp(e->topic, sub->group->topic->name) == 0 && event_passes(e, where, schema))
      hits[n++] = e;
  }
  return n;
}

/* Sends the next stretch of the ring; the conn may be closing afterwards. */
static void send_stretch(struct subscriber *sub, struct stretch *stretch) {
  struct event *hits[STRETCH_EVENTS];
  struct frames frames = {.events = hits, .count = find_hits(sub, stretch, hits)};
  sub->cursor = stretch->to;
  sub->seen += frames.count;
  if (sub->replay != NULL && !replay_covers(sub->replay, sub->cursor))
    replay_end(sub);
  if (frames.count > 0) {
    hub_note_delivered(sub->streams->hub, frames.count);
    conn_send(sub->conn, frames_payload(&frames, sub->chunked), 0);
  }
  frames_clear(&frames);
}

/* One step towards the tail; true when another can follow at once.  Nobody arrives
 * there while others are sent what comes next: its group may have had its turn. */
static bool catch_up(struct subscriber *sub) {
  struct streams *s = sub->streams;
  struct conn *c = sub->conn;
  if (s->delivery.under_way || sub->state != SUBSCRIBER_BEHIND || c->queued_bytes > 0 ||
      c->closing || sub->cursor > s->cursor)
    return false;
  if (sub->cursor == s->cursor) {
    replay_end(sub);
    subscriber_set_state(sub, SUBSCRIBER_LIVE);
    return false;
  }
  struct stretch stretch;
  hub_read(s->hub, sub->cursor, s->cursor, CATCH_UP_BYTES, &stretch);
  if (stretch.lost > 0)
    skip_to_tail(sub);
  else
    send_stretch(sub, &stretch);
  stretch_clear(&stretch);
  return !c->closing && sub->state == SUBSCRIBER_BEHIND && c->queued_bytes == 0;
}

static bool catch_up_all(struct streams *s) {
  bool more = false;
  for (struct subscriber *sub = s->behind, *next; sub != NULL; sub = next) {
    next = sub->next;
    more |= catch_up(sub);
  }
  return more;
}

static void on_wake(uv_async_t *async) {
  struct streams *s = container_of(async, struct streams, listener.wake);
  if (s->count == 0 || s->closing)
    return;
  bool more = delivery_go_on(s);
  if (catch_up_all(s) || more)
    uv_async_send(&s->listener.wake);
}

static void send_heartbeat(struct streams *s, struct group *g) {
  struct buf id = {0};
  event_write_id(&id, hub_name(s->hub), s->place);
  buf_putc(&id, '\n');
  struct event e = {.frame = id.data, .frame_len = id.len};
  struct frames frames = {.events = (struct event *[]){&e}, .count = 1};
  for (struct subscriber *sub = g->live, *next; sub != NULL; sub = next) {
    next = sub->next;
    if (sub->conn->queued_bytes == 0)
      conn_send(sub->conn, frames_payload(&frames, sub->chunked), 0);
  }
  frames_clear(&frames);
  buf_clear(&id);
}

static void check_progress(struct subscriber *sub, int64_t now_ms) {
  size_t size = uv_stream_get_write_queue_size((uv_stream_t *) &sub->conn->tcp);
  if (sub->conn->queued_bytes == 0 || size != sub->queue_size) {
    sub->queue_size = size;
    sub->progress_ms = now_ms;
  } else if (now_ms - sub->progress_ms >= STUCK_MS) {
    conn_close(sub->conn, "the stream's client stopped reading");
  }
}

static void check_list(struct subscriber *list, int64_t now_ms) {
  for (struct subscriber *sub = list, *next; sub != NULL; sub = next) {
    next = sub->next;
    check_progress(sub, now_ms);
  }
}

static void tick_group(struct streams *s, struct group *g, void *arg) {
  int64_t now_ms = *(const int64_t *) arg;
  g->members++; /* a client that is given up may be the last */
  check_list(g->live, now_ms);
  if (now_ms - g->sent_ms >= hub_heartbeat_ms(s->hub)) {
    g->sent_ms = now_ms;
    send_heartbeat(s, g);
  }
  streams_leave_group(s, g);
}

static void on_tick(uv_timer_t *timer) {
  struct streams *s = container_of(timer, struct streams, timer);
  int64_t now_ms = (int64_t) uv_now(&s->loop->uv);
  check_list(s->behind, now_ms);
  streams_each_group(s, tick_group, &now_ms);
}

struct streams *streams_new(struct loop *loop, struct hub *hub) {
  struct streams *s = xcalloc(1, sizeof *s);
  s->loop = loop;
  s->hub = hub;
  s->groups.schema = hub_schema(s->hub);
  s->handles = 2;
  uv_async_init(&loop->uv, &s->listener.wake, on_wake);
  uv_timer_init(&loop->uv, &s->timer);
  hub_listen(s->hub, &s->listener);
  return s;
}

int streams_admit(struct streams *s) {
  return s == NULL ? UV_ECANCELED : hub_admit(s->hub);
}

/* A loop without subscribers is not woken; its first one finds the tail. */
static void wake_up(struct streams *s) {
  hub_want(s->hub, &s->listener, true, &s->cursor, &s->place);
  int64_t heartbeat = hub_heartbeat_ms(s->hub);
  uint64_t period = heartbeat / 4 > MAX_TICK_MS ? MAX_TICK_MS : (uint64_t) (heartbeat / 4 + 1);
  uv_timer_start(&s->timer, on_tick, period, period);
}

static void fall_asleep(struct streams *s) {
  delivery_finish(s);
  hub_want(s->hub, &s->listener, false, &s->cursor, &s->place);
  uv_timer_stop(&s->timer);
}

static void free_when_over(struct streams *s) {
  if (s->count == 0 && s->handles == 0)
    free(s);
}

static void on_conn_closed(struct conn *c) {
  struct subscriber *sub = c->owner;
  struct streams *s = sub->streams;
  c->owner = NULL;
  replay_end(sub);
  unlink_subscriber(sub);
  streams_leave_group(s, sub->group);
  free(sub);
  hub_dismiss(s->hub);
  if (--s->count == 0 && !s->closing)
    fall_asleep(s);
  free_when_over(s);
}

static void on_conn_drained(struct conn *c) {
  struct subscriber *sub = c->owner;
  if (sub->streams->closing)
    conn_close(c, "the server stops");
  else if (sub->state == SUBSCRIBER_REPLAYING)
    replay_go_on(sub);
  else if (catch_up(sub))
    uv_async_send(&sub->streams->listener.wake);
}

static struct subscriber *subscriber_new(struct streams *s, struct conn *c,
                                         const struct subscription *subscription) {
  struct subscriber *sub = xcalloc(1, sizeof *sub);
  bool is_new;
  sub->streams = s;
  sub->conn = c;
  sub->chunked = subscription->chunked;
  sub->progress_ms = (int64_t) uv_now(&s->loop->uv);
  memcpy(sub->connection_id, subscription->connection_id, sizeof sub->connection_id);
  sub->group = groups_join(&s->groups, subscription->topic, subscription->where, &is_new);
  if (is_new) {
    hub_note_groups(s->hub, 1);
    sub->group->sent_ms = sub->progress_ms;
  }
  link_subscriber(sub, &sub->group->live);
  uv_send_buffer_size((uv_handle_t *) &c->tcp, &(int) {SEND_BUFFER_BYTES});
  c->owner = sub;
  c->on_close = on_conn_closed;
  c->on_drain = on_conn_drained;
  return sub;
}

/* The first event; one that resumes keeps the id that it has until it is told a
 * newer one. */
static void send_hello(struct subscriber *sub, const struct subscription *subscription) {
  struct buf text = {0};
  if (subscription->resume == NULL)
    event_write_id(&text, hub_name(sub->streams->hub), sub->streams->place);
  if (subscription->hello != NULL) {
    buf_literal(&text, "data: ");
    buf_append(&text, subscription->hello->data, subscription->hello->len);
    buf_putc(&text, '\n');
  }
  buf_putc(&text, '\n');
  subscriber_send_text(sub, &text);
}

static void subscription_clear(const struct subscription *subscription) {
  conditions_unref(subscription->where);
  conditions_unref(subscription->replay_where);
  payload_unref(subscription->hello);
}

void streams_subscribe(struct streams *s, struct conn *c, const struct subscription *subscription) {
  if (c == NULL || c->closing) {
    subscription_clear(subscription);
    hub_dismiss(s->hub);
    return;
  }
  if (s->count++ == 0)
    wake_up(s);
  struct conditions *replay_where = subscription->replay_where;
  if (replay_where == NULL && subscription->where != NULL)
    replay_where = conditions_ref(subscription->where);
  struct subscriber *sub = subscriber_new(s, c, subscription);
  send_hello(sub, subscription);
  payload_unref(subscription->hello);
  if (subscription->resume != NULL && !c->closing)
    replay_begin(sub, subscription->resume, replay_where);
  else
    conditions_unref(replay_where);
}

static void say_goodbye(struct subscriber *sub) {
  struct conn *c = sub->conn;
  if (c->queued_bytes > 0) {
    conn_close(c, "the server stops");
    return;
  }
  struct buf text = {0};
  write_own_event(&text, hub_schema(sub->streams->hub)->disconnect, 0, sub->connection_id);
  struct payload *p = payload_of_text(&text, sub->chunked);
  if (sub->chunked) {
    buf_append(&text, p->data, p->len);
    buf_literal(&text, "0\r\n\r\n");
    payload_unref(p);
    p = payload_from_buf(&text);
  }
  conn_send(c, p, 0);
  payload_unref(p);
  if (c->queued_bytes == 0)
    conn_close(c, "the server stops");
}

static void say_goodbye_to_all(struct subscriber *list) {
  for (struct subscriber *sub = list, *next; sub != NULL; sub = next) {
    next = sub->next;
    say_goodbye(sub);
  }
}

static void say_goodbye_to_group(struct streams *s, struct group *g, void *arg) {
  (void) s, (void) arg;
  say_goodbye_to_all(g->live);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct streams *s = handle->data;
  s->handles--;
  free_when_over(s);
}

void streams_close(struct streams *s) {
  s->closing = true;
  hub_unlisten(s->hub, &s->listener);
  delivery_finish(s);
  say_goodbye_to_all(s->behind);
  streams_each_group(s, say_goodbye_to_group, NULL);
  s->listener.wake.data = s->timer.data = s;
  uv_close((uv_handle_t *) &s->listener.wake, on_handle_closed);
  uv_close((uv_handle_t *) &s->timer, on_handle_closed);
}
