#include "hub/hub.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hub/ring.h"

enum { PUBLISH_AT_ONCE = 64 };
/* the ring is filled so long after the last one has left */
static const int64_t REMEMBER_US = 60 * 1000000LL;

struct hub {
  const struct schema *schema;
  struct hub_options options;
  struct hub_pages pages;
  char name[EVENT_MAX_NAME + 1];
  size_t name_len;

  pthread_mutex_t lock; /* for everything up to the counters */
  struct event **slots; /* of the events [first, next), each at its number modulo ring_events */
  uint64_t first, next;
  size_t bytes;
  struct place newest, floor; /* floor: of the event before first */
  int64_t first_n;            /* n at the start of the process */
  struct listener *listeners;

  atomic_ullong published, delivered, dropped, subscribers, groups;
  _Atomic int64_t left_us; /* when the last subscriber left */
};

struct hub *hub_new(const struct schema *schema, const struct hub_options *options) {
  struct hub *hub = xcalloc(1, sizeof *hub);
  hub->schema = schema;
  hub->options = *options;
  hub->slots = xmap(options->ring_events * sizeof *hub->slots);
  hub->left_us = INT64_MIN / 2;
  pthread_mutex_init(&hub->lock, NULL);
  hub_set_name(hub, "events", 0);
  return hub;
}

void hub_set_pages(struct hub *hub, const struct hub_pages *pages) {
  hub->pages = *pages;
}

void hub_set_name(struct hub *hub, const char *name, int64_t last_row) {
  hub->name_len = strnlen(name, EVENT_MAX_NAME);
  memcpy(hub->name, name, hub->name_len);
  hub->name[hub->name_len] = '\0';
  hub->first_n = clock_now_us();
  hub->newest = hub->floor = (struct place){last_row, hub->first_n};
}

static struct event **slot(const struct hub *hub, uint64_t number) {
  return &hub->slots[number % hub->options.ring_events];
}

static void drop_oldest(struct hub *hub) {
  struct event *e = *slot(hub, hub->first++);
  hub->bytes -= e->bytes;
  hub->floor = e->place;
  event_unref(e);
}

static void drop_all(struct hub *hub) {
  while (hub->first < hub->next)
    drop_oldest(hub);
}

void hub_free(struct hub *hub) {
  if (hub == NULL)
    return;
  drop_all(hub);
  pthread_mutex_destroy(&hub->lock);
  munmap(hub->slots, hub->options.ring_events * sizeof *hub->slots);
  free(hub);
}

static struct place next_place(const struct hub *hub, int64_t row) {
  if (row > hub->newest.row)
    return (struct place){row, hub->newest.n};
  return (struct place){hub->newest.row, hub->newest.n + 1};
}

static bool is_full(const struct hub *hub, size_t more_bytes) {
  return hub->next - hub->first >= hub->options.ring_events ||
         hub->bytes + more_bytes > hub->options.ring_bytes;
}

static void append(struct hub *hub, struct event *e) {
  hub->newest = next_place(hub, e->place.row);
  event_stamp(e, hub->name, hub->newest);
  while (hub->first < hub->next && is_full(hub, e->bytes))
    drop_oldest(hub);
  *slot(hub, hub->next++) = e;
  hub->bytes += e->bytes;
}

static void append_all(struct hub *hub, struct event **events, size_t n) {
  pthread_mutex_lock(&hub->lock);
  for (size_t i = 0; i < n; i++)
    append(hub, events[i]);
  for (struct listener *l = hub->listeners; l != NULL; l = l->next)
    if (l->wanted)
      uv_async_send(&l->wake);
  pthread_mutex_unlock(&hub->lock);
  atomic_fetch_add_explicit(&hub->published, n, memory_order_relaxed);
}

/* Nobody listens, and nobody has listened who may come back for what is in the ring. */
static bool is_unheard(struct hub *hub) {
  return hub->subscribers == 0 && clock_now_us() - hub->left_us > REMEMBER_US;
}

/* Counts what nobody will hear, so that ids go on as if it had been in the ring. */
static void pass_over(struct hub *hub, int64_t row) {
  drop_all(hub);
  hub->newest = hub->floor = next_place(hub, row);
  hub->first = ++hub->next;
}

static void pass_over_batch(struct hub *hub, const struct batch *b) {
  pthread_mutex_lock(&hub->lock);
  for (size_t i = 0; i < b->count; i++)
    if (!batch_record(b, i)->unchanged)
      pass_over(hub, batch_record(b, i)->row);
  pthread_mutex_unlock(&hub->lock);
}

void hub_publish_batch(struct hub *hub, const struct batch *b) {
  if (is_unheard(hub)) {
    pass_over_batch(hub, b);
    return;
  }
  struct event *events[PUBLISH_AT_ONCE];
  struct buf json = {0};
  size_t n = 0;
  int64_t now_us = clock_now_us();
  for (size_t i = 0; i < b->count; i++) {
    const struct record *r = batch_record(b, i);
    if (r->unchanged)
      continue;
    json.len = 0;
    record_write_event(&json, hub->schema, r, &b->text, now_us);
    events[n++] = event_of_record(hub->schema, r, &b->text, &json, hub->name_len);
    if (n == PUBLISH_AT_ONCE) {
      append_all(hub, events, n);
      n = 0;
    }
  }
  if (n > 0)
    append_all(hub, events, n);
  buf_clear(&json);
}

void hub_publish(struct hub *hub, const char *topic, const char *json, size_t len) {
  if (is_unheard(hub)) {
    pthread_mutex_lock(&hub->lock);
    pass_over(hub, 0);
    pthread_mutex_unlock(&hub->lock);
    return;
  }
  struct event *e = event_of_json(topic, json, len, hub->name_len);
  append_all(hub, &e, 1);
}

void hub_read(struct hub *hub, uint64_t from, uint64_t upto, size_t max_bytes,
              struct stretch *stretch) {
  size_t bytes = 0;
  pthread_mutex_lock(&hub->lock);
  *stretch = (struct stretch){.tail = hub->next};
  stretch->from = from < hub->first ? hub->first : from;
  stretch->lost = stretch->from - from;
  uint64_t end = upto < hub->next ? upto : hub->next;
  uint64_t to = stretch->from;
  for (; to < end && stretch->count < STRETCH_EVENTS; to++) {
    struct event *e = *slot(hub, to);
    bytes += e->frame_len;
    if (stretch->count > 0 && bytes > max_bytes)
      break;
    stretch->events[stretch->count++] = event_ref(e);
  }
  stretch->to = to;
  if (stretch->count > 0)
    stretch->place = stretch->events[stretch->count - 1]->place;
  pthread_mutex_unlock(&hub->lock);
}

void stretch_clear(struct stretch *stretch) {
  for (size_t i = 0; i < stretch->count; i++)
    event_unref(stretch->events[i]);
  stretch->count = 0;
}

void hub_listen(struct hub *hub, struct listener *l) {
  pthread_mutex_lock(&hub->lock);
  l->next = hub->listeners;
  l->prev = &hub->listeners;
  if (l->next != NULL)
    l->next->prev = &l->next;
  hub->listeners = l;
  pthread_mutex_unlock(&hub->lock);
}

void hub_unlisten(struct hub *hub, struct listener *l) {
  pthread_mutex_lock(&hub->lock);
  *l->prev = l->next;
  if (l->next != NULL)
    l->next->prev = l->prev;
  pthread_mutex_unlock(&hub->lock);
}

void hub_want(struct hub *hub, struct listener *l, bool wanted, uint64_t *tail,
              struct place *newest) {
  pthread_mutex_lock(&hub->lock);
  l->wanted = wanted;
  *tail = hub->next;
  *newest = hub->newest;
  pthread_mutex_unlock(&hub->lock);
}

/* Places only grow along the ring. */
static uint64_t first_after(const struct hub *hub, struct place seen) {
  uint64_t low = hub->first, high = hub->next;
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if (place_after((*slot(hub, middle))->place, seen))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

void hub_seek(struct hub *hub, struct place seen, struct resumption *r) {
  pthread_mutex_lock(&hub->lock);
  int64_t known = seen.n > hub->first_n ? seen.n : hub->first_n;
  *r = (struct resumption){
    .next = first_after(hub, seen),
    .first = hub->first,
    .tail = hub->next,
    .floor = hub->floor,
    .gone = hub->floor.n > known ? hub->floor.n - known : 0,
  };
  pthread_mutex_unlock(&hub->lock);
}

static bool parse_number(const char *s, const char *end, int64_t *n) {
  char *stop;
  if (s >= end || *s < '0' || *s > '9' || end - s > 19)
    return false;
  *n = strtoll(s, &stop, 10);
  return stop == end;
}

bool hub_parse_id(const struct hub *hub, const char *id, struct place *place) {
  struct place p;
  size_t len = strlen(id);
  const char *end = id + len;
  const char *n = memrchr(id, '-', len);
  const char *row = n != NULL ? memrchr(id, '-', (size_t) (n - id)) : NULL;
  if (row == NULL || !parse_number(row + 1, n, &p.row) || !parse_number(n + 1, end, &p.n))
    return false;
  if ((size_t) (row - id) != hub->name_len || memcmp(id, hub->name, hub->name_len) != 0)
    return false;
  *place = p;
  return true;
}

const struct hub_pages *hub_pages(const struct hub *hub) {
  return &hub->pages;
}

const char *hub_name(const struct hub *hub) {
  return hub->name;
}

const struct schema *hub_schema(const struct hub *hub) {
  return hub->schema;
}

int64_t hub_heartbeat_ms(const struct hub *hub) {
  return hub->options.heartbeat_ms;
}

int hub_admit(struct hub *hub) {
  if (atomic_fetch_add(&hub->subscribers, 1) < hub->options.max_subscribers)
    return 0;
  hub_dismiss(hub);
  return UV_EMFILE;
}

void hub_dismiss(struct hub *hub) {
  hub->left_us = clock_now_us();
  atomic_fetch_sub(&hub->subscribers, 1);
}

void hub_note_groups(struct hub *hub, int change) {
  atomic_fetch_add_explicit(&hub->groups, (unsigned long long) change, memory_order_relaxed);
}

void hub_note_delivered(struct hub *hub, uint64_t n) {
  atomic_fetch_add_explicit(&hub->delivered, n, memory_order_relaxed);
}

void hub_note_dropped(struct hub *hub, uint64_t n) {
  atomic_fetch_add_explicit(&hub->dropped, n, memory_order_relaxed);
}

void hub_stats(struct hub *hub, struct hub_stats *stats) {
  pthread_mutex_lock(&hub->lock);
  stats->ring_events = hub->next - hub->first;
  stats->ring_bytes = hub->bytes;
  pthread_mutex_unlock(&hub->lock);
  stats->published = hub->published;
  stats->delivered = hub->delivered;
  stats->dropped = hub->dropped;
  stats->subscribers = hub->subscribers;
  stats->groups = hub->groups;
}
