#ifndef MOONLEDGER_NET_NET_H
#define MOONLEDGER_NET_NET_H

#include "loop/loop.h"

struct allow;
struct trusts;

/* One loop's client: its open connections and lookups; that loop's thread only.  It costs nothing
 * until it is first used. */
struct net;

/* trusts is shared by all loops and outlives them. */
struct net *net_new(struct loop *loop, struct trusts *trusts);

/* All calls have been closed: closes kept connections and lookups. */
void net_close(struct net *net);
void net_free(struct net *net); /* after the loop has ended */

/* CA certificates, read once per process and file. */
struct trusts *trusts_new(void);
void trusts_free(struct trusts *trusts);

/* What config.lua says of the outside. */
struct outside {
  const struct allow *allow; /* NULL: everything */
  const char *ca_file;       /* empty: that of the environment or of the system */
};

enum net_reason {
  NET_FINE,
  NET_REFUSED, /* config.lua does not allow it */
  NET_RESOLVE,
  NET_CONNECT,
  NET_TLS,
  NET_TIMEOUT,
  NET_TOO_LARGE,
  NET_PROTOCOL, /* what came is not HTTP */
  NET_CLOSED,   /* the other side closed too early */
};

enum { FAULT_TEXT = 320 };

struct net_fault {
  enum net_reason reason;
  char text[FAULT_TEXT]; /* "127.0.0.1:9: connection refused"; never a path or a query */
};

void net_fault_set(struct net_fault *fault, enum net_reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *net_reason_name(enum net_reason reason); /* "refused" */

#endif
