#include "http/connection.h"
#include "hub/subscriber.h"

/* of the loop: under a millisecond, then its other connections have their turn */
enum { WRITES_A_TURN = 64 };

static void open_group(struct delivery *d, struct group *g) {
  d->group = g;
  if (g == NULL)
    return;
  d->next = g->live;
  d->frames = (struct frames){.events = g->hits, .count = g->nhits};
  d->sent = 0;
}

static void close_group(struct streams *s) {
  struct delivery *d = &s->delivery;
  struct group *g = d->group, *next = g->next_hit;
  hub_note_delivered(s->hub, d->sent * g->nhits);
  g->matched += g->nhits;
  g->sent_ms = (int64_t) uv_now(&s->loop->uv);
  group_clear_hits(g);
  frames_clear(&d->frames);
  streams_leave_group(s, g);
  open_group(d, next);
}

/* Each stays until its turn is over, whoever leaves. */
static struct group *find_groups(struct streams *s) {
  const struct stretch *stretch = &s->delivery.stretch;
  for (size_t i = 0; i < stretch->count; i++)
    groups_match(&s->groups, stretch->events[i]);
  struct group *first = s->groups.hit;
  s->groups.hit = NULL;
  for (struct group *g = first; g != NULL; g = g->next_hit)
    g->members++;
  return first;
}

static void fall_behind(struct subscriber *sub, uint64_t cursor) {
  sub->cursor = cursor;
  sub->seen = sub->group->matched;
  subscriber_set_state(sub, SUBSCRIBER_BEHIND);
}

/* The loop itself fell off the ring: everybody did. */
static void lose_place(struct streams *s, struct group *g, void *arg) {
  (void) arg;
  while (g->live != NULL)
    fall_behind(g->live, s->cursor);
  g->matched += s->delivery.stretch.lost;
}

/* One write, if its socket is free; else it keeps its place in the ring. */
static void send_to(struct delivery *d, struct subscriber *sub) {
  d->next = sub->next;
  if (sub->conn->queued_bytes > 0) {
    fall_behind(sub, d->stretch.from);
    return;
  }
  conn_send(sub->conn, frames_payload(&d->frames, sub->chunked), 0);
  d->sent++;
}

static void begin_stretch(struct streams *s) {
  struct delivery *d = &s->delivery;
  hub_read(s->hub, s->cursor, UINT64_MAX, STRETCH_BYTES, &d->stretch);
  if (d->stretch.lost > 0)
    streams_each_group(s, lose_place, NULL);
  open_group(d, find_groups(s));
  d->under_way = true;
}

static void end_stretch(struct streams *s) {
  struct delivery *d = &s->delivery;
  s->cursor = d->stretch.to;
  if (d->stretch.count > 0)
    s->place = d->stretch.place;
  stretch_clear(&d->stretch);
  d->under_way = false;
}

static void send_some(struct streams *s, size_t writes) {
  struct delivery *d = &s->delivery;
  while (d->group != NULL) {
    if (d->next == NULL) {
      close_group(s);
    } else if (writes-- > 0) {
      send_to(d, d->next);
    } else {
      return;
    }
  }
  end_stretch(s);
}

/* What was published while a stretch was under way woke the loop for that stretch,
 * not for itself. */
bool delivery_go_on(struct streams *s) {
  struct delivery *d = &s->delivery;
  bool is_new = !d->under_way;
  if (is_new)
    begin_stretch(s);
  send_some(s, WRITES_A_TURN);
  return d->under_way || !is_new || d->stretch.to < d->stretch.tail;
}

void delivery_finish(struct streams *s) {
  if (s->delivery.under_way)
    send_some(s, SIZE_MAX);
}
