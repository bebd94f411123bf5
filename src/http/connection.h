#ifndef MOONLEDGER_HTTP_CONNECTION_H
#define MOONLEDGER_HTTP_CONNECTION_H

#include <stdbool.h>
#include <uv.h>

#include "base/payload.h"

struct connections; /* those of one loop; its thread only */
struct exchange;    /* parser, header memory and the request in hand; http/http.c */
struct loop;
struct services;
struct subscriber;  /* hub/streams.c */

/* A client's socket.  Slim, because a stream is one for hours.  Freed in its close callback and nowhere else. */
struct conn {
  uv_tcp_t tcp;
  struct loop *loop;
  struct exchange *exchange;     /* NULL once the connection is a stream */
  struct subscriber *subscriber; /* set by hub/streams.c; told by streams' on_close */
  void (*on_close)(struct conn *c);
  void (*on_drain)(struct conn *c); /* all queued writes have left */
  size_t queued_bytes;
  bool closing;
  struct conn *next, **prev;     /* among the loop's connections */
  struct conn *deadline_next, **deadline_prev;
  int64_t deadline_ms;           /* loop time; which list it is in is http.c's business */
};

struct connections *connections_new(struct loop *loop, const struct services *services);
size_t connections_count(const struct connections *connections);  /* any thread: an atomic */

/* Graceful stop: idle connections close, requests in hand finish, then done is called once.  After limits.shutdown_ms the rest is closed. */
void connections_drain(struct connections *connections, void (*done)(struct loop *loop, void *arg), void *arg);
void connections_free(struct connections *connections);

/* Takes a connected socket over.  It is closed when that fails. */
void connection_open(struct loop *loop, uv_os_sock_t socket);

/* May be called twice and from any callback.  why goes to the debug log. */
void conn_close(struct conn *c, const char *why);

/* Sends as much of p from offset as the socket takes at once, and queues the rest with a reference to p.  Answers the bytes taken at
 * once; conn_close happens on an error. */
size_t conn_send(struct conn *c, struct payload *p, size_t offset);

#endif
