#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/connection.h"
#include "hub/frames.h"
#include "hub/subscriber.h"

/* A subscriber that comes back with an event's id gets what it missed: from the
 * ring if that still holds the next event, else the rows behind the id, in pages
 * from storage, up to the newest that has left the ring, and then the ring.  A row
 * is committed before it is published and published before it leaves the ring, so a
 * page asked for after looking at the ring's floor has all rows up to it. */

enum { PAGE_ROWS = 64 };

struct replay {
  struct subscriber *subscriber; /* NULL: gone while a page was on its way */
  struct conditions *where;      /* NULL: all */
  uint64_t until;                /* number of the first event that is not replayed but live */
  /* rows up to here have been sent or do not match; n is that of the id */
  struct place seen;
  int64_t upto;                  /* newest row that the page on its way is to hold */
  void *page;                    /* on its way, or NULL */
};

bool replay_covers(const struct replay *replay, uint64_t number) {
  return number < replay->until;
}

const struct conditions *replay_where(const struct replay *replay) {
  return replay->where;
}

static void replay_free(struct replay *r) {
  conditions_unref(r->where);
  free(r);
}

void replay_end(struct subscriber *sub) {
  struct replay *r = sub->replay;
  if (r == NULL)
    return;
  sub->replay = NULL;
  r->subscriber = NULL;
  if (r->page != NULL)
    hub_pages(sub->streams->hub)->cancel(r->page);
  else
    replay_free(r);
}

/* The newest rows that it lacks are in the ring: tells what is gone for good, and
 * goes on there. */
static void go_to_ring(struct subscriber *sub, const struct resumption *at, uint64_t next,
                       uint64_t dropped) {
  struct conn *c = sub->conn;
  if (dropped > 0)
    subscriber_tell_dropped(sub, dropped, at->floor);
  if (!c->closing)
    subscriber_read_from(sub, next);
}

static void on_page(void *asker, const struct batch *rows, const char *error);

static void ask_for_page(struct subscriber *sub, int64_t upto) {
  struct replay *r = sub->replay;
  const struct hub_pages *pages = hub_pages(sub->streams->hub);
  const struct hub_page page = {.loop = sub->streams->loop, .where = r->where, .after = r->seen.row,
                                .limit = PAGE_ROWS, .done = on_page, .asker = r};
  r->upto = upto;
  r->page = pages->read(pages->arg, &page);
  subscriber_set_state(sub, SUBSCRIBER_REPLAYING);
}

static bool has_rows(const struct subscriber *sub) {
  const struct hub *hub = sub->streams->hub;
  return hub_pages(hub)->read != NULL &&
         strcmp(sub->group->topic->name, hub_schema(hub)->topic) == 0;
}

void replay_go_on(struct subscriber *sub) {
  struct replay *r = sub->replay;
  if (r->page != NULL)
    return;
  struct resumption at;
  hub_seek(sub->streams->hub, r->seen, &at);
  bool all_rows = r->seen.row >= at.floor.row;
  if (!place_after(at.floor, r->seen))
    go_to_ring(sub, &at, at.next, 0);
  else if (all_rows || !has_rows(sub))
    go_to_ring(sub, &at, at.first, (uint64_t) at.gone);
  else
    ask_for_page(sub, at.floor.row);
}

/* Appends the rows of a page up to r->upto; seen moves behind them. */
static void write_page(struct buf *out, struct subscriber *sub, const struct batch *rows) {
  const struct schema *schema = hub_schema(sub->streams->hub);
  struct replay *r = sub->replay;
  int64_t now_us = clock_now_us();
  for (size_t i = 0; i < rows->count; i++) {
    struct record *record = batch_record(rows, i);
    if (record->row > r->upto)
      break;
    r->seen.row = record->row;
    event_write_id(out, hub_name(sub->streams->hub), r->seen);
    buf_literal(out, "data: ");
    record_write_event(out, schema, record, &rows->text, now_us);
    buf_literal(out, "\n\n");
  }
  bool is_last = rows->count < PAGE_ROWS || batch_record(rows, PAGE_ROWS - 1)->row > r->upto;
  if (is_last)
    r->seen.row = r->upto;
}

static void send_page(struct subscriber *sub, const struct batch *rows) {
  struct conn *c = sub->conn;
  struct buf text = {0};
  write_page(&text, sub, rows);
  if (text.len > 0)
    subscriber_send_text(sub, &text);
  if (!c->closing && c->queued_bytes == 0)
    replay_go_on(sub);
}

static void give_up(struct subscriber *sub, const char *error) {
  struct resumption at;
  log_warn("a stream could not be resumed from storage", log_str("error", error));
  hub_seek(sub->streams->hub, sub->replay->seen, &at);
  go_to_ring(sub, &at, at.first, (uint64_t) (at.gone + at.floor.row - sub->replay->seen.row));
}

static void on_page(void *asker, const struct batch *rows, const char *error) {
  struct replay *r = asker;
  r->page = NULL;
  if (r->subscriber == NULL)
    replay_free(r);
  else if (rows == NULL)
    give_up(r->subscriber, error);
  else
    send_page(r->subscriber, rows);
}

void replay_begin(struct subscriber *sub, const char *id, struct conditions *where) {
  struct streams *s = sub->streams;
  struct place seen;
  if (!hub_parse_id(s->hub, id, &seen)) { /* how much it has missed cannot be known */
    conditions_unref(where);
    subscriber_tell_dropped(sub, 0, s->place);
    return;
  }
  struct resumption at;
  hub_seek(s->hub, seen, &at);
  struct replay *r = xmalloc(sizeof *r);
  *r = (struct replay){.subscriber = sub, .where = where, .until = at.tail, .seen = seen};
  sub->replay = r;
  replay_go_on(sub);
}
