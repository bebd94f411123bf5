#ifndef MOONLEDGER_HUB_STREAMS_H
#define MOONLEDGER_HUB_STREAMS_H

#include "base/payload.h"
#include "hub/hub.h"
#include "record/condition.h"

struct conn;
struct loop;
struct streams; /* one loop's subscribers and filter groups; that loop's thread only */

struct streams *streams_new(struct loop *loop, struct hub *hub);

/* Sends every subscriber its disconnect event and closes the connections; frees when the
 * last is gone.  The caller has no streams from now on, and gives NULL to streams_admit. */
void streams_close(struct streams *streams);

struct subscription {
  const char *topic;               /* copied */
  struct conditions *where;        /* taken over; NULL: all */
  /* taken over; instead of where for what was published before; NULL: where */
  struct conditions *replay_where;
  struct payload *hello;           /* JSON of the first event, one line, taken over; NULL: none */
  const char *resume;              /* Last-Event-ID as the client sent it, or NULL */
  const char *connection_id;       /* UUID4 of the disconnect event */
  bool chunked;                    /* HTTP/1.1: each write is one chunk */
};

/* Takes a place for one more subscriber of this loop, before the response head is sent;
 * streams_subscribe uses it.  UV_EMFILE when max_subscribers are there, UV_ECANCELED when
 * the loop's streams have been closed (NULL). */
int streams_admit(struct streams *streams);

/* Makes conn, whose response head has been queued, a subscriber.  conn's close ends
 * it.  A conn that is NULL or closing gives the place back. */
void streams_subscribe(struct streams *s, struct conn *c, const struct subscription *subscription);

#endif
