#ifndef MOONLEDGER_NET_LINK_H
#define MOONLEDGER_NET_LINK_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "net/net.h"

struct trust;

/* A stream of bytes to another host, over TCP or TLS; its loop's thread only.  Every event may
 * close it. */
struct link;

struct link_events {
  void (*opened)(struct link *l);
  /* len 0: the other side has ended, and nothing more comes. */
  void (*received)(struct link *l, const char *data, size_t len);
  void (*drained)(struct link *l); /* nothing that was written waits */
  /* Nothing more comes or goes: close it. */
  void (*failed)(struct link *l, const struct net_fault *fault);
};

/* Where to.  The texts are copied; allow must live until it is open. */
struct link_target {
  const char *host;
  uint16_t port;
  struct trust *trust;       /* TLS, verified by these CAs; NULL: plain TCP */
  const char *alpn;          /* of TLS; a literal, or NULL */
  SSL_SESSION *session;      /* of an earlier link to the same host, or NULL */
  const struct allow *allow; /* NULL: every host */
  int64_t open_ms;           /* for finding, connecting and TLS together */
};

/* NULL, and fault says why, when it is clear at once. */
struct link *link_open(struct net *net, const struct link_target *to,
                       const struct link_events *events, void *owner, struct net_fault *fault);
void link_close(struct link *l);

void *link_owner(const struct link *l);
void link_pass(struct link *l, const struct link_events *events,
               void *owner); /* to another owner */

/* After opened.  What the kernel does not take at once is kept: link_queued.  After a failure to
 * write what is written is dropped, and what the other side has said may still come. */
void link_write(struct link *l, const char *data, size_t len);
size_t link_queued(const struct link *l);

void link_pause(struct link *l); /* receives nothing until link_resume */
void link_resume(struct link *l);

/* Whether nothing has come that is not yet received, be it the end. */
bool link_is_quiet(const struct link *l);

/* See tls_take_session. */
SSL_SESSION *link_take_session(struct link *l);

#endif
