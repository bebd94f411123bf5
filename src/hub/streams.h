#ifndef MOONLEDGER_HUB_STREAMS_H
#define MOONLEDGER_HUB_STREAMS_H

#include "base/payload.h"
#include "hub/hub.h"
#include "record/condition.h"

struct conn;
struct loop;
struct services;
struct streams; /* one loop's subscribers and filter groups; that loop's thread only */

struct streams *streams_new(struct loop *loop, const struct services *services);

/* Sends every subscriber its disconnect event and closes the connections; then frees when the last is gone. */
void streams_close(struct streams *streams);

struct subscription {
  const char *topic;           /* copied */
  struct conditions *where;    /* taken over; NULL: all */
  struct payload *hello;       /* JSON of the first event, taken over; NULL: none */
  const char *resume;          /* Last-Event-ID as the client sent it, or NULL */
  const char *connection_id;   /* UUID4 of the disconnect event */
  bool chunked;                /* HTTP/1.1: each write is one chunk */
};

/* Makes conn, whose response head has been queued, a subscriber.  conn's close ends it. UV_EMFILE when max_subscribers are
 * there: then conn is untouched. */
int streams_subscribe(struct streams *streams, struct conn *conn, const struct subscription *s);

#endif
