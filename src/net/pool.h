#ifndef MOONLEDGER_NET_POOL_H
#define MOONLEDGER_NET_POOL_H

#include "net/link.h"
#include "net/url.h"

/* A scheme, host and port that calls went to, with connections that wait for the next one. */
struct origin {
  struct trust *trust; /* NULL: plain */
  char *host;
  uint16_t port;
  SSL_SESSION *session;  /* the newest; NULL: none */
  struct kept *kept;     /* the newest first */
  unsigned nkept, users; /* users: calls that point here */
  struct origin *next;
};

/* That of url, made if need be; the caller is a user of it until origin_leave. */
struct origin *origin_of(struct net *net, const struct url *url, struct trust *trust);
void origin_leave(struct origin *o);

/* A connection on which nothing is under way, the caller's; or NULL. */
struct link *pool_take(struct origin *o);

/* Keeps l for keep_ms, or closes it when there are enough. */
void pool_keep(struct net *net, struct origin *o, struct link *l, int64_t keep_ms);

#endif
