#ifndef MOONLEDGER_NET_CALL_H
#define MOONLEDGER_NET_CALL_H

#include <stdbool.h>

#include "base/buf.h"
#include "net/net.h"
#include "net/url.h"

/* One HTTP/1.1 request to the outside and its response; its loop's thread only. */
struct call;

enum call_body { CALL_NO_BODY, CALL_WHOLE, CALL_STREAMED };

/* Times in milliseconds.  All is copied but outside, which must live until the head is there. */
struct call_options {
  const struct outside *outside;
  const struct url *url;
  const char *method;
  const char *headers; /* whole lines, besides Host and those of framing */
  size_t headers_len;
  enum call_body kind;
  const char *body; /* of CALL_WHOLE */
  size_t body_len;
  int64_t streamed_length; /* of CALL_STREAMED; -1: unknown, it goes in chunks */
  int64_t connect_ms;
  int64_t first_byte_ms; /* of silence after the request */
  int64_t idle_ms;       /* of silence in the response */
  int64_t total_ms;      /* 0: no limit */
  size_t max_bytes;      /* of the response's body; 0: it is held back until it is taken */
  bool inflates;         /* asks for gzip and takes it off */
};

/* Something has come or gone: the owner looks.  It may close the call. */
typedef void (*call_wake)(struct call *c, void *owner);

/* NULL, and fault says why, when it is clear at once. */
struct call *call_open(struct net *net, const struct call_options *options, call_wake wake,
                       void *owner, struct net_fault *fault);

/* At any time; a connection that is not at its end is closed. */
void call_close(struct call *c);

bool call_has_head(const struct call *c);
int call_status(const struct call *c);

/* name NUL value NUL, one after the other, names in lower case. */
const struct buf *call_headers(const struct call *c);

/* Whether call_take has a piece, or all of it has come. */
bool call_has_piece(const struct call *c);
bool call_has_ended(const struct call *c);

bool call_is_complete(const struct call *c); /* it has all come, taken or not */

/* Moves a piece of the body to out, which may stay empty; false: see call_fault. */
bool call_take(struct call *c, struct buf *out);

/* NULL while all is well.  What came before may still be taken. */
const struct net_fault *call_fault(const struct call *c);

/* The body of CALL_STREAMED: a piece.  false: wait for call_has_room before the next. */
bool call_write(struct call *c, const char *data, size_t len);
bool call_has_room(const struct call *c);
void call_finish(struct call *c); /* it is whole; less than was promised fails */

#endif
