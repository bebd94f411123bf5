#ifndef MOONLEDGER_NET_RESOLVE_H
#define MOONLEDGER_NET_RESOLVE_H

#include <netinet/in.h>

#include "net/net.h"

enum { ADDRESSES_MAX = 8 };

struct addresses {
  struct sockaddr_in6 all[ADDRESSES_MAX]; /* or a sockaddr_in; best first, without a port */
  size_t count;
};

/* One who waits for the addresses of a name; embedded. */
struct resolving {
  /* error is NULL, or says why there are none. */
  void (*resolved)(struct resolving *r, const struct addresses *found, const char *error);
  struct lookup *lookup; /* NULL: it does not wait */
  struct resolving *next;
};

/* Addresses, and localhost, are found at once: true, and resolved will not be called.  Else it is
 * called later, unless resolve_cancel comes first.  All who ask for a name while it is being
 * looked up share one lookup.  By c-ares, because getaddrinfo of a static program loads the
 * libraries that the host's nsswitch.conf names. */
bool resolve(struct net *net, const char *host, struct addresses *found, struct resolving *r);
void resolve_cancel(struct resolving *r);

#endif
