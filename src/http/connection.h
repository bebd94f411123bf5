#ifndef MOONLEDGER_HTTP_CONNECTION_H
#define MOONLEDGER_HTTP_CONNECTION_H

#include <stdbool.h>
#include <uv.h>

#include "base/payload.h"
#include "http/site.h"

struct connections; /* those of one loop; its thread only */
struct exchange;    /* parser, header memory and the request in hand; http/exchange.h */

/* Which of a loop's deadline lists a connection waits in.  One list holds one span, so it
 * is in order by itself. */
enum deadline {
  DEADLINE_NONE,
  DEADLINE_HEAD,  /* a request's head has begun */
  DEADLINE_BODY,  /* its body must have grown */
  DEADLINE_IDLE,  /* between requests */
  DEADLINE_SEND,  /* queued bytes must have left */
  DEADLINE_DRAIN, /* the client should close */
  DEADLINES
};

/* A client's socket.  Slim, because a stream is one for hours.  Freed in its close
 * callback and nowhere else. */
struct conn {
  uv_tcp_t tcp;
  struct connections *all;       /* of its loop */
  struct exchange *exchange;     /* NULL once the connection is a stream or drains */
  struct permit permit;          /* of a stream */
  void *owner;                   /* of a stream, set by whoever took it; on_close tells them */
  void (*on_close)(struct conn *c);
  void (*on_drain)(struct conn *c); /* all queued writes have left */
  struct queued *queue;          /* what has not left; http/output.c */
  size_t queued_bytes;
  int64_t moved_ms;              /* loop time when some of it left, or the first was queued */
  bool closing;
  bool ended;                    /* the client has sent all it will */
  bool draining;                 /* all is said; what still comes is thrown away */
  enum deadline deadline;
  int64_t deadline_ms;           /* loop time */
  size_t progress;               /* bytes left when the deadline was set, or drained since */
  struct conn *next, **prev;     /* among the loop's connections */
  struct conn *deadline_next, **deadline_prev;
};

/* May be called twice and from any callback.  why goes to the debug log. */
void conn_close(struct conn *c, const char *why);

/* Sends as much of p from offset as the socket takes at once, and queues the rest with a
 * reference to p. Returns the bytes taken at once; conn_close happens on an error. */
size_t conn_send(struct conn *c, struct payload *p, size_t offset);

#endif
