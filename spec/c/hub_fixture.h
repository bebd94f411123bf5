#ifndef MOONLEDGER_SPEC_HUB_FIXTURE_H
#define MOONLEDGER_SPEC_HUB_FIXTURE_H

#include "hub/hub.h"
#include "record/ndjson.h"
#include "schema_fixture.h"

/* Publishes the records of ndjson as the writer does; those that are stored get the rows
 * from first_row on. */
static inline int64_t publish(struct hub *hub, const struct schema *schema,
                              const char *ndjson, int64_t first_row) {
  static const struct record_limits limits = {1 << 20, 64};
  struct buf body = {0};
  struct batch *b = batch_new(schema);
  buf_puts(&body, ndjson);
  batch_scan(b, &body, FORMAT_NDJSON, &limits, 1700000000000000);
  for (size_t i = 0; i < b->count; i++) {
    struct record *r = batch_record(b, i);
    if (schema->events[r->event].stored)
      r->row = first_row++;
  }
  hub_publish_batch(hub, b);
  batch_free(b);
  buf_clear(&body);
  return first_row;
}

#endif
