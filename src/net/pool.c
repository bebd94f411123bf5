#include "net/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/room.h"

enum { ORIGINS_MAX = 256, KEPT_MAX = 64 };

struct kept {
  struct link *link;
  struct origin *origin;
  int64_t until_ms; /* loop time */
  struct kept *next;
};

static bool is_origin(const struct origin *o, const struct url *url, const struct trust *trust) {
  return o->port == url->port && o->trust == trust && strcmp(o->host, url->host) == 0;
}

static struct link *take_kept(struct kept *k) {
  struct link *l = k->link;
  struct kept **p = &k->origin->kept;
  while (*p != k)
    p = &(*p)->next;
  *p = k->next;
  k->origin->nkept--;
  free(k);
  return l;
}

static void free_origin(struct origin *o) {
  while (o->kept != NULL)
    link_close(take_kept(o->kept));
  SSL_SESSION_free(o->session);
  free(o->host);
  free(o);
}

/* The one that was used least recently, and is not now. */
static void forget_one(struct net *net) {
  struct origin **oldest = NULL;
  for (struct origin **p = &net->origins; *p != NULL; p = &(*p)->next)
    if ((*p)->users == 0)
      oldest = p;
  if (oldest == NULL)
    return;
  struct origin *o = *oldest;
  *oldest = o->next;
  net->norigins--;
  free_origin(o);
}

struct origin *origin_of(struct net *net, const struct url *url, struct trust *trust) {
  struct origin **p = &net->origins, *o;
  while (*p != NULL && !is_origin(*p, url, trust))
    p = &(*p)->next;
  o = *p;
  if (o != NULL) {
    *p = o->next;
  } else {
    if (net->norigins >= ORIGINS_MAX)
      forget_one(net);
    o = xcalloc(1, sizeof *o);
    *o = (struct origin){.trust = trust, .host = xstrdup(url->host), .port = url->port};
    net->norigins++;
  }
  o->next = net->origins;
  net->origins = o;
  o->users++;
  return o;
}

void origin_leave(struct origin *o) {
  o->users--;
}

/* Kept connections: whatever comes on one ends it */

static void on_received(struct link *l, const char *data, size_t len) {
  (void) data, (void) len;
  link_close(take_kept(link_owner(l)));
}

static void on_failed(struct link *l, const struct net_fault *fault) {
  (void) fault;
  link_close(take_kept(link_owner(l)));
}

static void on_drained(struct link *l) {
  (void) l;
}

static const struct link_events kept_events = {
    .received = on_received, .failed = on_failed, .drained = on_drained};

struct link *pool_take(struct origin *o) {
  while (o->kept != NULL) {
    struct link *l = take_kept(o->kept);
    if (link_is_quiet(l))
      return l;
    link_close(l);
  }
  return NULL;
}

void pool_keep(struct net *net, struct origin *o, struct link *l, int64_t keep_ms) {
  if (o->nkept >= KEPT_MAX) {
    link_close(l);
    return;
  }
  struct kept *k = xmalloc(sizeof *k);
  *k = (struct kept){l, o, net_now_ms(net) + keep_ms, o->kept};
  o->kept = k;
  o->nkept++;
  link_pass(l, &kept_events, k);
  link_resume(l);
}

bool pool_tick(struct net *net, int64_t now_ms) {
  bool some = false;
  for (struct origin *o = net->origins; o != NULL; o = o->next)
    for (struct kept *k = o->kept, *next; k != NULL; k = next) {
      next = k->next;
      if (now_ms >= k->until_ms)
        link_close(take_kept(k));
      else
        some = true;
    }
  return some;
}

void pool_close(struct net *net) {
  for (struct origin *o = net->origins, *next; o != NULL; o = next) {
    next = o->next;
    free_origin(o);
  }
  net->origins = NULL;
}
