#include "script/bindings/lua_storage.h"

#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "record/ndjson.h"
#include "script/bindings/bindings.h"
#include "script/bindings/lua_batch.h"
#include "script/bindings/lua_content.h"
#include "script/bindings/lua_counts.h"
#include "script/bindings/lua_price.h"
#include "script/engine/limits.h"
#include "script/engine/lua_json.h"
#include "script/engine/lua_list.h"
#include "script/engine/script.h"
#include "script/services.h"
#include "script/settings.h"
#include "store/storage.h"

/* A body from here on is scanned on a worker thread: the loop has other clients. */
enum { LARGE_BODY = 256 * 1024 };

enum { RECORD_STEPS = 200 }; /* of limits_work, to read one out of a table */

struct storage *lua_storage(lua_State *L) {
  return script_services(L)->storage;
}

const char *lua_storage_why(int status) {
  return status == UV_EAGAIN ? "the write queue is full" : uv_strerror(status);
}

int lua_storage_fail(lua_State *L, int status, const char *message) {
  const char *reason = status == UV_EAGAIN      ? "full"
                       : status == UV_ETIMEDOUT ? "timeout"
                       : status == UV_ECANCELED ? "canceled"
                       : status == UV_EINVAL    ? "invalid"
                       : status == UV_ENODEV    ? "unavailable"
                                                : "failed";
  lua_pushnil(L);
  lua_pushstring(L, message != NULL && *message != '\0' ? message : lua_storage_why(status));
  lua_pushstring(L, reason);
  return 3;
}

int lua_storage_not_written(lua_State *L, const struct submission *sub) {
  return lua_storage_fail(L, sub->status, sub->status == UV_EAGAIN ? NULL : sub->error);
}

int lua_storage_unavailable(lua_State *L) {
  return lua_storage_fail(L, UV_ENODEV, "there is no storage: storage.backend is \"none\"");
}

/* Records on their way: scanned on a worker thread if that takes long, then written, then
 * answered. */
struct ingest {
  struct job job;
  uv_work_t work;
  struct submission submission;
  struct storage *storage;
  struct batch *batch;
  struct buf body;
  enum record_format format;
  struct record_limits limits;
  int64_t now_us;
  uint32_t dropped; /* by the hook */
  bool then_price;  /* what was scanned goes back to Lua first */
  struct value_counts counts;
};

static void ingest_done(struct ingest *in) {
  in->job.message.receive(&in->job.message);
}

static void on_written(struct message *m) {
  ingest_done(container_of(m, struct ingest, submission.done));
}

/* Nothing may raise any more; the result comes by message, also when there is nothing to
 * wait for. */
static void ingest_write(struct ingest *in) {
  if (in->submission.kind == SUBMIT_RECORDS && in->batch->count == 0) {
    loop_post(in->job.loop, &in->job.message);
    return;
  }
  in->submission.batch = in->batch;
  in->submission.loop = in->job.loop;
  in->submission.done.receive = on_written;
  int rc = storage_submit(in->storage, &in->submission);
  if (rc == 0)
    return;
  in->submission.status = rc;
  loop_post(in->job.loop, &in->job.message);
}

static const char no_memory[] = "there is no memory for so large a body, try again";

static void scan(uv_work_t *work) {
  struct ingest *in = container_of(work, struct ingest, work);
  int rc = batch_scan(in->batch, &in->body, in->format, &in->limits, in->now_us);
  if (rc != UV_ENOMEM) { /* what else is wrong stands in the batch */
    lua_counts_add(&in->counts, in->batch);
    return;
  }
  in->submission.status = rc;
  snprintf(in->submission.error, sizeof in->submission.error, "%s", no_memory);
}

static void on_scanned(uv_work_t *work, int status) {
  (void) status;
  struct ingest *in = container_of(work, struct ingest, work);
  if (in->then_price)
    ingest_done(in);
  else
    ingest_write(in);
}

static void set_integer(lua_State *L, const char *name, int64_t n) {
  lua_pushinteger(L, n);
  lua_setfield(L, -2, name);
}

static int push_written(lua_State *L, struct job *job) {
  struct ingest *in = container_of(job, struct ingest, job);
  if (in->submission.status < 0)
    return lua_storage_not_written(L, &in->submission);
  lua_createtable(L, 0, 6);
  if (in->submission.kind != SUBMIT_RECORDS)
    return 1;
  set_integer(L, "accepted", in->submission.accepted);
  set_integer(L, "merged", in->submission.merged);
  set_integer(L, "rejected", in->batch->rejected);
  if (in->dropped > 0)
    set_integer(L, "dropped", in->dropped);
  lua_pushstring(L, durability_name(in->storage));
  lua_setfield(L, -2, "durability");
  lua_batch_push_errors(L, in->batch);
  lua_setfield(L, -2, "errors");
  lua_counts_push(L, &in->counts, in->batch);
  return 2;
}

static void free_ingest(struct job *job) {
  struct ingest *in = container_of(job, struct ingest, job);
  batch_free(in->batch);
  buf_clear(&in->body);
  free(in);
}

static struct ingest *ingest_new(lua_State *L, struct task *task, enum submission_kind kind) {
  struct ingest *in = xcalloc(1, sizeof *in);
  in->job.push = push_written;
  in->job.free = free_ingest;
  in->storage = lua_storage(L);
  in->submission.kind = kind;
  in->now_us = clock_now_us();
  script_begin(task, &in->job);
  return in;
}

/* Takes the request's body, or copies a string, into a buffer that the collector frees. */
static struct buf *take_body(lua_State *L, int index) {
  struct buf *taken = lua_json_push_fragment(L);
  struct buf *body = script_body(L, index);
  if (body != NULL) {
    *taken = buf_take(body);
    return taken;
  }
  size_t len;
  const char *s = lua_json_check_text(L, index, &len);
  buf_append(taken, s, len);
  lua_pop(L, 1);
  return taken;
}

static struct batch *new_batch(lua_State *L) {
  const struct content *content = lua_content_in_force(L);
  struct batch *b = batch_new(script_services(L)->schema);
  batch_leave_out(b, content);
  return b;
}

/* Hands the batch over to a new job and writes it. */
static int write_batch(lua_State *L, struct task *task, struct batch **batch, uint32_t dropped,
                       const struct value_counts *counts) {
  struct ingest *in = ingest_new(L, task, SUBMIT_RECORDS);
  in->batch = *batch;
  in->counts = *counts;
  in->dropped = dropped;
  *batch = NULL;
  ingest_write(in);
  return script_wait(L, &in->job);
}

/* Scans here; a hook, if there is one, lies at the top. */
static int ingest_here(lua_State *L, struct task *task, struct buf *body, enum record_format format,
                       bool hooked, struct value_counts *counts) {
  int hook = lua_gettop(L);
  int64_t now_us = clock_now_us();
  struct batch **batch = lua_batch_push(L);
  *batch = new_batch(L);
  int rc = batch_scan(*batch, body, format, &script_settings(L)->record, now_us);
  if (rc == UV_ENOMEM)
    return lua_storage_fail(L, rc, no_memory);
  uint32_t dropped = hooked ? lua_batch_apply(L, hook, batch, now_us) : 0;
  lua_price_batch(L, *batch);
  lua_counts_add(counts, *batch);
  return write_batch(L, task, batch, dropped, counts);
}

/* The worker has scanned: the batch is priced here, where Lua may be asked, and written. */
static int on_ready_to_price(lua_State *L, int status, lua_KContext context) {
  (void) status;
  struct job *job = (struct job *) context;
  struct ingest *in = container_of(job, struct ingest, job);
  struct batch **batch = lua_batch_push(L);
  *batch = in->batch;
  in->batch = NULL;
  struct value_counts counts = in->counts;
  bool refused = in->submission.status == UV_ENOMEM;
  script_end(job);
  if (refused)
    return lua_storage_fail(L, UV_ENOMEM, no_memory);
  lua_price_batch(L, *batch);
  return write_batch(L, script_task(L, "storage.ingest"), batch, 0, &counts);
}

static int l_storage_ingest(lua_State *L) {
  static const char *const formats[] = {"json", "ndjson", NULL};
  enum record_format format = luaL_checkoption(L, 2, "ndjson", formats) == 0
                                  ? FORMAT_JSON
                                  : FORMAT_NDJSON;
  struct value_counts counts = lua_counts_check(L, 3);
  struct task *task = script_task(L, "storage.ingest");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  lua_settop(L, 1);
  struct buf *body = take_body(L, 1);
  bool hooked = script_push_hook(L);
  if (hooked || body->len < LARGE_BODY)
    return ingest_here(L, task, body, format, hooked, &counts);

  struct ingest *in = ingest_new(L, task, SUBMIT_RECORDS);
  in->batch = new_batch(L);
  in->body = buf_take(body);
  in->format = format;
  in->limits = script_settings(L)->record;
  in->counts = counts;
  in->then_price = lua_price_is_on(L);
  uv_queue_work(&in->job.loop->uv, &in->work, scan, on_scanned);
  return in->then_price ? script_wait_then(L, &in->job, on_ready_to_price)
                        : script_wait(L, &in->job);
}

struct batch **lua_storage_read_records(lua_State *L, uint32_t *dropped) {
  lua_settop(L, 1);
  int64_t now_us = clock_now_us();
  struct batch **batch = lua_batch_push(L);
  struct buf *scratch = lua_json_push_fragment(L);
  *batch = new_batch(L);
  (*batch)->sent = (uint32_t) lua_rawlen(L, 1);
  for (uint32_t i = 0; i < (*batch)->sent; i++) {
    limits_work(L, RECORD_STEPS);
    lua_rawgeti(L, 1, (lua_Integer) i + 1);
    lua_batch_add(L, -1, *batch, i, scratch, now_us);
    lua_pop(L, 1);
  }
  *dropped = script_push_hook(L) ? lua_batch_apply(L, -1, batch, now_us) : 0;
  lua_price_batch(L, *batch);
  return batch;
}

static int l_storage_insert(lua_State *L) {
  uint32_t dropped;
  lua_list_check(L, 1, "records");
  struct value_counts counts = lua_counts_check(L, 2);
  struct task *task = script_task(L, "storage.insert");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  struct batch **batch = lua_storage_read_records(L, &dropped);
  lua_counts_add(&counts, *batch);
  return write_batch(L, task, batch, dropped, &counts);
}

static int l_storage_reset(lua_State *L) {
  struct task *task = script_task(L, "storage.reset");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  struct ingest *in = ingest_new(L, task, SUBMIT_RESET);
  ingest_write(in);
  return script_wait(L, &in->job);
}

static void set_number(lua_State *L, const char *name, double n) {
  lua_pushnumber(L, n);
  lua_setfield(L, -2, name);
}

static int l_storage_file(lua_State *L) {
  struct storage *storage = lua_storage(L);
  char path[PATH_MAX];
  if (storage == NULL)
    return lua_storage_unavailable(L);
  lua_createtable(L, 0, 2);
  lua_pushstring(L, storage_name(storage));
  lua_setfield(L, -2, "name");
  bool is_there = realpath(storage_path(storage), path) != NULL;
  lua_pushstring(L, is_there ? path : storage_path(storage));
  lua_setfield(L, -2, "path");
  return 1;
}

static int l_storage_stats(lua_State *L) {
  struct storage *storage = lua_storage(L);
  struct storage_stats stats;
  script_check_serving(L, "storage.stats");
  if (storage == NULL)
    return lua_storage_unavailable(L);
  storage_stats(storage, &stats);
  lua_createtable(L, 0, 12);
  set_integer(L, "rows", stats.rows);
  set_integer(L, "file_bytes", stats.file_bytes);
  set_integer(L, "wal_bytes", stats.wal_bytes);
  if (stats.free_bytes >= 0)
    set_integer(L, "free_bytes", stats.free_bytes);
  set_integer(L, "queued_bytes", stats.queued_bytes);
  set_integer(L, "queued_batches", stats.queued_batches);
  set_integer(L, "ids", stats.ids);
  set_integer(L, "commits", stats.commits);
  set_integer(L, "committed_records", stats.committed_records);
  set_number(L, "last_commit_seconds", stats.last_commit_seconds);
  set_number(L, "oldest_queued_seconds", stats.oldest_queued_seconds);
  lua_pushstring(L, stats.fault);
  lua_setfield(L, -2, "fault");
  lua_pushstring(L, stats.missing_part[0] != '\0' ? stats.missing_part : NULL);
  lua_setfield(L, -2, "missing_part");
  lua_pushboolean(L, stats.writable);
  lua_setfield(L, -2, "writable");
  lua_pushstring(L, durability_name(storage));
  lua_setfield(L, -2, "durability");
  return 1;
}

enum column_kind { KIND_PUBLIC, KIND_DIMENSIONS, KIND_MEASURES, KIND_KEYS, KIND_TEXTS, KIND_ALL };

static bool is_of_kind(const struct column *c, enum column_kind kind) {
  switch (kind) {
  case KIND_PUBLIC:
    return c->is_public;
  case KIND_DIMENSIONS:
    return c->is_dimension;
  case KIND_MEASURES:
    return c->is_measure;
  case KIND_KEYS:
    return column_is_shown(c) && c->type != COLUMN_FLOAT && c->type != COLUMN_TIME;
  case KIND_TEXTS:
    return column_is_shown(c) && c->type == COLUMN_STRING;
  case KIND_ALL:
    break;
  }
  return column_is_shown(c) || c->in_extra;
}

/* The names of a row's columns, in their order; there with no storage too. */
static int l_storage_columns(lua_State *L) {
  static const char *const kinds[] = {"public", "dimensions", "measures", "keys",
                                      "texts",  "all",        NULL};
  const struct schema *schema = script_services(L)->schema;
  enum column_kind kind = (enum column_kind) luaL_checkoption(L, 1, "public", kinds);
  lua_newtable(L);
  for (size_t i = 0, n = 0; i < schema->ncolumns; i++) {
    if (!is_of_kind(&schema->columns[i], kind))
      continue;
    lua_pushstring(L, schema->columns[i].name);
    lua_rawseti(L, -2, (lua_Integer) ++n);
  }
  lua_json_mark_array(L);
  return 1;
}

int luaopen_storage(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"ingest", l_storage_ingest},
    {"insert", l_storage_insert},
    {"post", l_storage_post},
    {"append", l_storage_append},
    {"put", l_storage_put},
    {"select", l_storage_select},
    {"count", l_storage_count},
    {"get", l_storage_get},
    {"aggregate", l_storage_aggregate},
    {"sql", l_storage_sql},
    {"retention", l_storage_retention},
    {"reset", l_storage_reset},
    {"file", l_storage_file},
    {"stats", l_storage_stats},
    {"columns", l_storage_columns},
    {NULL, NULL},
  };
  if (script_services(L)->metrics != NULL)
    lua_lost_records(script_services(L)->metrics);
  luaL_newlib(L, functions);
  return 1;
}
