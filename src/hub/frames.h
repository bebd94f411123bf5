#ifndef MOONLEDGER_HUB_FRAMES_H
#define MOONLEDGER_HUB_FRAMES_H

#include "base/payload.h"
#include "hub/event.h"

/* Events as one write, made at most once for HTTP/1.1 (as one chunk, RFC 9112, section 7.1) and
 * once for HTTP/1.0. */
struct frames {
  struct event *const *events;
  size_t count;
  struct payload *made[2];
};

struct payload *frames_payload(struct frames *frames, bool chunked); /* they keep the reference */
void frames_clear(struct frames *frames);

struct payload *payload_of_text(struct buf *text, bool chunked); /* empties text */

/* A stream's own event as a whole frame without an id.  json is the schema's overflow or
 * disconnect, connection_id of UUID_LENGTH bytes. */
void write_own_event(struct buf *out, const char *json, uint64_t dropped,
                     const char *connection_id);

#endif
