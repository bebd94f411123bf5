/* storage.post(records): nobody waits. */
#include <lauxlib.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "metrics/metrics.h"
#include "script/bindings/lua_batch.h"
#include "script/bindings/lua_storage.h"
#include "script/engine/lua_list.h"
#include "script/engine/script.h"
#include "script/services.h"
#include "store/storage.h"

struct posted {
  struct submission submission;
  struct batch *batch;
  struct metrics *metrics;
};

struct metric *lua_lost_records(struct metrics *metrics) {
  static const struct metric_options options = {
      .kind = METRIC_COUNTER,
      .name = "moonledger_lost_records_total",
      .help = "Records that were posted and not stored.",
  };
  struct buf error = {0};
  struct metric *family = metrics_family(metrics, &options, &error);
  buf_clear(&error);
  return family;
}

static void count_lost(struct posted *p, const char *why) {
  struct metric *family = lua_lost_records(p->metrics);
  if (family != NULL)
    metric_inc(p->metrics, family, NULL, (double) p->batch->count);
  log_warn("records that nobody waits for are lost",
           log_int("records", (int64_t) p->batch->count), log_str("why", why));
}

static void on_posted(struct message *m) {
  struct posted *p = container_of(m, struct posted, submission.done);
  if (p->submission.status < 0)
    count_lost(p, p->submission.error);
  batch_free(p->batch);
  free(p);
}

/* storage.post(records) -> true, or nil, message, reason where it is clear at once. */
int l_storage_post(lua_State *L) {
  uint32_t dropped;
  lua_list_check(L, 1, "records");
  script_check_serving(L, "storage.post");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  struct batch **batch = lua_storage_read_records(L, &dropped);
  if ((*batch)->count > 0 && storage_tell(lua_storage(L), *batch)) {
    batch_free(*batch);
    *batch = NULL;
    lua_pushboolean(L, true);
    return 1;
  }
  struct posted *p = xcalloc(1, sizeof *p);
  p->batch = *batch;
  *batch = NULL;
  p->metrics = script_services(L)->metrics;
  p->submission = (struct submission){
      .kind = SUBMIT_RECORDS, .batch = p->batch, .loop = script_loop(L), .done.receive = on_posted};
  int rc = p->batch->count > 0 ? storage_submit(lua_storage(L), &p->submission) : UV_EINVAL;
  if (rc == 0) {
    lua_pushboolean(L, true);
    return 1;
  }
  if (p->batch->count > 0)
    count_lost(p, lua_storage_why(rc));
  batch_free(p->batch);
  free(p);
  return lua_storage_fail(L, rc, rc == UV_EINVAL ? "none of the records can be stored" : NULL);
}
