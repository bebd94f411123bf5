#ifndef MOONLEDGER_HUB_RING_H
#define MOONLEDGER_HUB_RING_H

#include <uv.h>

#include "hub/event.h"
#include "hub/hub.h"

/* What hub.c offers to the loops' streams.  Events are numbered from 0 in the order
 * of publishing; the ring holds the newest. */

enum {
  STRETCH_EVENTS = 512,
  STRETCH_BYTES = 256 << 10,   /* of frames, for what goes to many */
  CATCH_UP_BYTES = 32 << 10, /* for what one slow client is sent and may never read */
};

/* A run of events with a reference to each. */
struct stretch {
  uint64_t from, to;   /* their numbers: [from, to) */
  uint64_t lost;       /* events before from that were asked for and are gone */
  uint64_t tail;       /* number of the next event to be published */
  struct place place;  /* of the last event, when there is one */
  size_t count;
  struct event *events[STRETCH_EVENTS];
};

/* The events from number from on, below upto: as many as a stretch holds and their
 * frames fit in max_bytes, at least one. */
void hub_read(struct hub *hub, uint64_t from, uint64_t upto, size_t max_bytes,
              struct stretch *stretch);
void stretch_clear(struct stretch *stretch);

/* A loop that wants to be woken.  wake is sent under the hub's lock, so it may be
 * closed after hub_unlisten. */
struct listener {
  struct listener *next, **prev;
  uv_async_t wake;
  bool wanted;
};

void hub_listen(struct hub *hub, struct listener *l);
void hub_unlisten(struct hub *hub, struct listener *l);

/* Whether publishing wakes l; returns the number and the place of the tail at that
 * moment. */
void hub_want(struct hub *hub, struct listener *l, bool wanted, uint64_t *tail,
              struct place *newest);

/* Where to go on after an event seen. */
struct resumption {
  uint64_t next;       /* number of the first event in the ring after it */
  uint64_t first;      /* of the oldest event in the ring */
  uint64_t tail;
  struct place floor;  /* the newest event that is no longer in the ring */
  int64_t gone;        /* events in no row that are gone since, as far as is known */
};

void hub_seek(struct hub *hub, struct place seen, struct resumption *r);

/* false when id is not one of this database. */
bool hub_parse_id(const struct hub *hub, const char *id, struct place *place);
const struct hub_pages *hub_pages(const struct hub *hub); /* read is NULL: there are none */
const char *hub_name(const struct hub *hub);
const struct schema *hub_schema(const struct hub *hub);
int64_t hub_heartbeat_ms(const struct hub *hub);

/* Takes a place among max_subscribers; UV_EMFILE: all are taken. */
int hub_admit(struct hub *hub);
void hub_dismiss(struct hub *hub);

void hub_note_groups(struct hub *hub, int change);
void hub_note_delivered(struct hub *hub, uint64_t n);
void hub_note_dropped(struct hub *hub, uint64_t n);

#endif
