#ifndef MOONLEDGER_HUB_HUB_H
#define MOONLEDGER_HUB_HUB_H

#include <stddef.h>
#include <stdint.h>

#include "record/condition.h"
#include "record/record.h"

struct hub; /* owned by the app, shared by all loops */
struct loop;
struct metrics;

struct hub_options {
  uint32_t ring_events;
  size_t ring_bytes;
  uint32_t max_subscribers;
  int64_t heartbeat_ms;
};

/* The loops' streams register themselves (hub/streams.h). */
struct hub *hub_new(const struct schema *schema, const struct hub_options *options);
void hub_free(struct hub *hub);

/* The database's name, first part of every event id, and its newest row.  Before
 * the first publish. */
void hub_set_name(struct hub *hub, const char *name, int64_t last_row);

/* Old rows, for subscribers that come back with an event's id.  done is called once
 * on loop, not before read has returned, and also after a cancel: rows, lent for
 * the call, are those of the schema's topic with a number above after that match where,
 * in order and at most limit; NULL when they cannot be read, and error says why. */
typedef void hub_page_done(void *asker, const struct batch *rows, const char *error);
struct hub_page {
  struct loop *loop;
  struct conditions *where; /* NULL: all; read takes a reference of its own */
  int64_t after;
  uint32_t limit;
  hub_page_done *done;
  void *asker;
};
struct hub_pages {
  void *arg;
  /* returns what cancel needs; the page's loop */
  void *(*read)(void *arg, const struct hub_page *page);
  void (*cancel)(void *handle);                          /* before done, same loop */
};

/* Where old rows come from; without it there are none.  Before the first subscriber. */
void hub_set_pages(struct hub *hub, const struct hub_pages *pages);

/* Publishes the committed records of b that are not unchanged, in their order, to
 * the schema's topic as the event JSON of record_write_event.  Rows come from one thread, in
 * order of commit and before their sender is told, so that every loop sees one
 * order; what is in no row from any.
 * Event id: NAME-rowid-n, the newest row so far and the number of events so far
 * that are in no new row (starts, merges, scripts' own); n begins at the unix time
 * of the start in microseconds, so that both only grow, also over a restart.
 * Cannot fail. */
void hub_publish_batch(struct hub *hub, const struct batch *b);

/* Appends one event of a script's own topic.  json is one line of UTF-8 (len bytes,
 * copied).  Framing: WHATWG HTML, "Server-sent events".  Any thread; cannot fail: a
 * subscriber that fell off the ring is told so by an overflow event. */
void hub_publish(struct hub *hub, const char *topic, const char *json, size_t len);

struct hub_stats {
  uint64_t published, delivered, dropped, subscribers, groups, ring_events, ring_bytes;
};
void hub_stats(struct hub *hub, struct hub_stats *stats);

/* Registers the families moonledger_stream_*. */
void hub_metrics(struct hub *hub, struct metrics *metrics);

#endif
