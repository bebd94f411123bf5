#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/table.h"
#include "metrics/registry.h"

/* The gauge active_requests: ids that have opened and not closed, oldest first. */

enum { MAX_OPEN = 10000 };
static const int64_t FORGET_US = 15 * 60 * 1000000LL;

struct open_id {
  struct open_id *next, **prev;
  uint64_t hash;
  int64_t since_us;
};

struct active {
  const struct schema *schema;
  struct metric *gauge;
  pthread_mutex_t lock; /* the storage adds, a render forgets */
  struct table ids;
  _Atomic size_t open;  /* its length, for a look without the lock */
  struct open_id *first, **last;
};

/* Two ids of one fingerprint are one id here: at 10,000 open ids the chance is 1 in
 * 10^11. */
static bool is_any(const void *item, const void *key) {
  (void) item, (void) key;
  return true;
}

static void forget(struct active *a, struct open_id *id) {
  table_remove(&a->ids, id->hash, id);
  *id->prev = id->next;
  if (id->next != NULL)
    id->next->prev = id->prev;
  else
    a->last = id->prev;
  free(id);
}

static void forget_old(struct active *a, int64_t now_us) {
  while (a->first != NULL && (a->ids.len > MAX_OPEN || now_us - a->first->since_us > FORGET_US))
    forget(a, a->first);
}

static void open_id(struct active *a, uint64_t hash, int64_t now_us) {
  struct open_id *id = xmalloc(sizeof *id);
  *id = (struct open_id){NULL, a->last, hash, now_us};
  *a->last = id;
  a->last = &id->next;
  table_insert(&a->ids, hash, id);
}

void metrics_track_active(struct metrics *m, const struct record *r, const struct buf *text,
                          int64_t now_us) {
  struct active *a = m->active;
  const struct event_type *event = &a->schema->events[r->event];
  if (!event->opens &&
      (!event->closes || atomic_load_explicit(&a->open, memory_order_relaxed) == 0))
    return;
  size_t len;
  const char *id = value_text(text, r->v[a->schema->id], &len);
  uint64_t hash = hash_bytes(hash_process_seed(), id, len);

  pthread_mutex_lock(&a->lock);
  struct open_id *found = table_find(&a->ids, hash, is_any, NULL);
  if (event->opens && found == NULL)
    open_id(a, hash, now_us);
  if (event->closes && found != NULL)
    forget(a, found);
  forget_old(a, now_us);
  atomic_store_explicit(&a->open, a->ids.len, memory_order_relaxed);
  pthread_mutex_unlock(&a->lock);
}

static void collect_active(struct metrics *m, void *arg) {
  struct active *a = arg;
  pthread_mutex_lock(&a->lock);
  forget_old(a, clock_now_us());
  size_t n = a->ids.len;
  atomic_store_explicit(&a->open, n, memory_order_relaxed);
  pthread_mutex_unlock(&a->lock);
  metric_set(m, a->gauge, NULL, (double) n);
}

void active_declare(struct metrics *m, const struct schema *schema) {
  struct active *a = xcalloc(1, sizeof *a);
  a->schema = schema;
  a->last = &a->first;
  pthread_mutex_init(&a->lock, NULL);
  a->gauge = metrics_must(m, &(struct metric_options){
    .kind = METRIC_GAUGE,
    .name = "active_requests",
    .help = "Requests that have started and not ended.",
    .namespaced = true,
  });
  m->active = a;
  metrics_collector(m, collect_active, a);
}

void active_free(struct active *a) {
  if (a == NULL)
    return;
  while (a->first != NULL)
    forget(a, a->first);
  table_clear(&a->ids);
  pthread_mutex_destroy(&a->lock);
  free(a);
}
