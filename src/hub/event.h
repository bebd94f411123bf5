#ifndef MOONLEDGER_HUB_EVENT_H
#define MOONLEDGER_HUB_EVENT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "record/record.h"

/* Where an event stands: the newest row when it was published, and how many events
 * there were that are in no new row (hub.h). Both only grow. */
struct place {
  int64_t row, n;
};

static inline bool place_after(struct place a, struct place b) {
  return a.row > b.row || (a.row == b.row && a.n > b.n);
}

/* One published event, encoded once; immutable after event_stamp and shared by all
 * loops.  One block of memory. */
struct event {
  atomic_uint refs;
  struct place place;
  const char *topic;
  struct record *record; /* what conditions match; NULL: they do not apply, the event passes */
  struct buf text;       /* the record's strings */
  const char *frame;     /* id: ..\ndata: ..\n\n */
  size_t frame_len;
  size_t bytes;          /* of the block */
};

enum { EVENT_MAX_NAME = 64 };

/* json is one line.  place.row of the event is the record's row until it is
 * stamped.  name_len: of what event_stamp will get. */
struct event *event_of_record(const struct schema *schema, const struct record *r,
                              const struct buf *text, const struct buf *json, size_t name_len);
struct event *event_of_json(const char *topic, const char *json, size_t len, size_t name_len);

/* Gives the event its id, once. */
void event_stamp(struct event *e, const char *name, struct place place);

struct event *event_ref(struct event *e);
void event_unref(struct event *e);

/* "id: NAME-row-n\n" */
void event_write_id(struct buf *out, const char *name, struct place place);

#endif
