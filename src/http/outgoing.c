#include <stdlib.h>

#include "base/log.h"
#include "http/exchange.h"

/* One budget for all bytes that wait for clients to read them, of responses and streams, on
 * all loops.  When its last quarter is reached, the loop that holds most closes clients
 * that hold much for long; until it has, what would go beyond the limit is refused. */

enum { LAST_PART = 4, KEPT_PARTS = 2 };

static size_t waiting_of(const struct connections *all) {
  return atomic_load_explicit(&all->waiting, memory_order_relaxed);
}

size_t outgoing_total(const struct server *server) {
  size_t sum = 0;
  for (unsigned i = 0; i < server->options.nloops; i++)
    sum += waiting_of(server->connections[i]);
  return sum;
}

struct candidate {
  struct conn *conn;
  double weight; /* bytes times the time since some of them left */
};

static int heavier_first(const void *a, const void *b) {
  double x = ((const struct candidate *) a)->weight, y = ((const struct candidate *) b)->weight;
  return (x < y) - (x > y);
}

static size_t find_candidates(struct connections *all, struct candidate *found) {
  int64_t now = (int64_t) uv_now(&all->loop->uv);
  size_t n = 0;
  for (struct conn *c = all->first; c != NULL; c = c->next)
    if (c->queue != NULL)
      found[n++] = (struct candidate){
          c, (double) c->queued_bytes * (double) (now - c->moved_ms + 1)};
  qsort(found, n, sizeof *found, heavier_first);
  return n;
}

static void close_heaviest(struct connections *all, size_t excess) {
  struct candidate *found = xcalloc(connections_count(all) + 1, sizeof *found);
  size_t n = find_candidates(all, found), freed = 0, closed = 0;
  for (; closed < n && freed < excess; closed++) {
    freed += found[closed].conn->queued_bytes;
    conn_close(found[closed].conn, "limits.out_bytes: it reads too slowly");
  }
  free(found);
  counter_add(&all->given_up, closed);
  if (closed > 0)
    log_warn("clients that did not read were closed, because limits.out_bytes was near",
             log_int("clients", (int64_t) closed), log_int("bytes", (int64_t) freed));
}

/* Of the server: where it shall be when the heaviest are gone. */
static void on_shed(struct message *m) {
  struct connections *all = container_of(m, struct connections, shed);
  size_t total = outgoing_total(all->server), kept = all->limits.out_bytes / LAST_PART * KEPT_PARTS;
  atomic_store(&all->shedding, false);
  if (total > kept)
    close_heaviest(all, total - kept);
}

static void ask_fullest(struct server *server) {
  struct connections *fullest = server->connections[0];
  for (unsigned i = 1; i < server->options.nloops; i++)
    if (waiting_of(server->connections[i]) > waiting_of(fullest))
      fullest = server->connections[i];
  if (!atomic_exchange(&fullest->shedding, true))
    loop_post(fullest->loop, &fullest->shed);
}

void outgoing_init(struct connections *all) {
  all->shed.receive = on_shed;
}

bool outgoing_take(struct connections *all, size_t n) {
  size_t total = outgoing_total(all->server) + n, limit = all->limits.out_bytes;
  if (total > limit - limit / LAST_PART)
    ask_fullest(all->server);
  if (total > limit)
    return false;
  atomic_fetch_add_explicit(&all->waiting, n, memory_order_relaxed);
  return true;
}

void outgoing_refuse(struct conn *c) {
  counter_add(&c->all->given_up, 1);
  conn_close(c, "limits.out_bytes wait to be sent already");
}

void outgoing_give(struct connections *all, size_t n) {
  atomic_fetch_sub_explicit(&all->waiting, n, memory_order_relaxed);
}

bool outgoing_take_payload(struct connections *all, struct payload *p) {
  if (p->waiting == 0 && !outgoing_take(all, p->cap))
    return false;
  p->waiting++;
  return true;
}

void outgoing_give_payload(struct connections *all, struct payload *p) {
  if (--p->waiting == 0)
    outgoing_give(all, p->cap);
}
