#include "pages.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/storage.h"

struct reading {
  struct query *query;
  hub_page_done *done;
  void *asker;
};

static void on_read(struct message *m) {
  struct query *q = container_of(m, struct query, done);
  struct reading *reading = q->asker;
  reading->done(reading->asker, q->status < 0 ? NULL : q->batch, q->error);
  query_free(q);
  free(reading);
}

void *page_read(void *storage, const struct hub_page *page) {
  struct reading *reading = xmalloc(sizeof *reading);
  struct query *q = query_new(QUERY_SELECT);
  *reading = (struct reading){q, page->done, page->asker};
  q->done.receive = on_read;
  q->loop = page->loop;
  q->asker = reading;
  q->where = page->where != NULL ? conditions_ref(page->where) : NULL;
  q->by_row = q->has_after = true;
  q->after.row = page->after;
  q->limit = page->limit;
  storage_query(storage, q);
  return reading;
}

void page_cancel(void *handle) {
  struct reading *reading = handle;
  atomic_store(&reading->query->cancelled, true);
}
