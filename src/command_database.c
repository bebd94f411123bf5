#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/mem.h"
#include "command.h"
#include "metrics/metrics.h"
#include "record/ndjson.h"
#include "record/schema.h"
#include "room_options.h"
#include "script/bindings/lua_content.h"
#include "store/storage.h"

/* The module database: the file that config.lua names, opened as the server opens it, when none has
 * it.  Days that close the next server seals. */

static const char type_name[] = "database";

struct database {
  struct loop loop;
  struct schema *schema;
  struct metrics *metrics;
  struct storage *storage;
  struct record_limits limits;
};

static void database_close(struct database *d) {
  if (d->storage != NULL)
    storage_close(d->storage);
  if (d->metrics != NULL)
    metrics_free(d->metrics);
  if (d->schema != NULL)
    schema_free(d->schema);
  loop_close(&d->loop);
  uv_run(&d->loop.uv, UV_RUN_DEFAULT);
  loop_clear(&d->loop);
  free(d);
}

static int database_open(struct database **database, const struct config *config,
                         const char *path, struct buf *error) {
  struct database *d = xcalloc(1, sizeof *d);
  d->limits = (struct record_limits){.record_bytes = config->limits.record_bytes,
                                     .depth = config->limits.json_depth};
  struct storage_options options = storage_options_of(config, 1);
  options.path = path;
  int rc = loop_init(&d->loop, 0);
  if (rc == 0 && (d->schema = config_load_schema(config, error)) == NULL)
    rc = UV_EINVAL;
  if (rc == 0) {
    d->metrics = metrics_new(config->metrics.name_space, config->metrics.max_series);
    rc = metrics_declare(d->metrics, d->schema, error) ? 0 : UV_EINVAL;
  }
  if (rc == 0)
    rc = storage_open(&d->storage, d->schema, &options, d->metrics, error);
  if (rc == 0)
    rc = storage_start(d->storage);
  if (rc == 0)
    *database = d;
  else
    database_close(d);
  return rc;
}

static int push_open_fault(lua_State *L, int rc, struct buf *error) {
  luaL_pushfail(L);
  lua_pushlstring(L, error->data, error->len);
  if (error->len == 0)
    lua_pushstring(L, uv_strerror(rc)), lua_replace(L, -2);
  lua_pushstring(L, rc == UV_EAGAIN ? "locked" : "failed");
  buf_clear(error);
  return 3;
}

/* database.open(path) */
static int l_database_open(lua_State *L) {
  const struct config *config = command_config(L);
  const char *path = luaL_optstring(L, 1, config->storage.path);
  struct buf error = {0};
  if (!config->has_storage) {
    buf_literal(&error, "storage.backend is \"none\"");
    return push_open_fault(L, UV_ENOTSUP, &error);
  }
  struct database **d = lua_newuserdatauv(L, sizeof *d, 1);
  *d = NULL;
  lua_pushstring(L, path);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, type_name);
  int rc = database_open(d, config, path, &error);
  if (rc < 0)
    return push_open_fault(L, rc, &error);
  buf_clear(&error);
  return 1;
}

/* database.is_held() */
static int l_database_is_held(lua_State *L) {
  const struct config *config = command_config(L);
  lua_pushboolean(L, config->has_storage && storage_is_held(config->storage.path));
  return 1;
}

static struct database *database_at(lua_State *L, int index) {
  struct database **d = luaL_checkudata(L, index, type_name);
  if (*d == NULL)
    luaL_error(L, "the database is closed");
  return *d;
}

struct writing {
  struct submission submission;
  bool done;
};

static void on_written(struct message *m) {
  container_of(m, struct writing, submission.done)->done = true;
}

static int submit_batch(struct database *d, struct writing *w) {
  if (w->submission.batch->count == 0)
    return 0;
  int rc = storage_submit(d->storage, &w->submission);
  while (rc == 0 && !w->done)
    uv_run(&d->loop.uv, UV_RUN_ONCE);
  return rc == 0 ? w->submission.status : rc;
}

static void set_count(lua_State *L, const char *name, size_t count) {
  lua_pushinteger(L, (lua_Integer) count);
  lua_setfield(L, -2, name);
}

/* database:ingest(lines, content) */
static int l_database_ingest(lua_State *L) {
  struct database *d = database_at(L, 1);
  size_t len;
  const char *lines = luaL_checklstring(L, 2, &len);
  const struct content *content = lua_content_check(L, 3);
  struct buf body = {0};
  lua_createtable(L, 0, 3);
  buf_append(&body, lines, len);
  struct batch *batch = batch_new(d->schema);
  batch_leave_out(batch, content);
  int rc = batch_scan(batch, &body, FORMAT_NDJSON, &d->limits, clock_now_us());
  buf_clear(&body);
  struct writing w = {
      .submission = {.done.receive = on_written, .loop = &d->loop, .batch = batch}};
  if (rc != UV_ENOMEM)
    rc = submit_batch(d, &w);
  size_t rejected = batch->rejected;
  batch_free(batch);
  if (rc < 0) {
    luaL_pushfail(L);
    lua_pushstring(L, w.submission.error[0] != '\0' ? w.submission.error : uv_strerror(rc));
    return 2;
  }
  set_count(L, "accepted", w.submission.accepted);
  set_count(L, "merged", w.submission.merged);
  set_count(L, "rejected", rejected);
  return 1;
}

/* database:path() */
static int l_database_path(lua_State *L) {
  database_at(L, 1);
  lua_getiuservalue(L, 1, 1);
  return 1;
}

static int l_database_close(lua_State *L) {
  struct database **d = luaL_checkudata(L, 1, type_name);
  if (*d != NULL)
    database_close(*d);
  *d = NULL;
  return 0;
}

int luaopen_database(lua_State *L) {
  static const luaL_Reg methods[] = {{"ingest", l_database_ingest}, {"path", l_database_path},
                                     {"close", l_database_close},   {"__gc", l_database_close},
                                     {"__close", l_database_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"open", l_database_open},
                                       {"is_held", l_database_is_held},
                                       {NULL, NULL}};
  luaL_newmetatable(L, type_name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
