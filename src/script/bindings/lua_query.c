#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/fields.h"
#include "script/bindings/lua_batch.h"
#include "script/bindings/lua_fields.h"
#include "script/engine/lua_json.h"
#include "script/bindings/lua_question.h"
#include "script/bindings/lua_storage.h"
#include "script/engine/script.h"
#include "script/services.h"
#include "store/storage.h"

enum { SELECT_MAX = 100000, SQL_MAX_BOUND = 100 };

/* A query and what becomes of its result. */
struct asked {
  struct job job;
  struct query *query;
  bool list;    /* aggregate: of a list of questions */
  bool as_json; /* get */
};

static const char type_name[] = "query";

static int l_query_gc(lua_State *L) {
  struct query **q = lua_touserdata(L, 1);
  if (*q != NULL)
    query_free(*q);
  *q = NULL;
  return 0;
}

/* Pushes the place of a query that is being put together, so that raising leaks nothing. */
static struct query **push_query(lua_State *L, enum query_kind kind) {
  struct query **q = lua_newuserdatauv(L, sizeof *q, 0);
  *q = NULL;
  if (luaL_newmetatable(L, type_name)) {
    lua_pushcfunction(L, l_query_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
  *q = query_new(kind);
  return q;
}

static void on_answer(struct message *m) {
  struct query *q = container_of(m, struct query, done);
  struct asked *a = q->asker;
  a->job.message.receive(&a->job.message);
}

static void cancel(struct job *job) {
  struct asked *a = container_of(job, struct asked, job);
  atomic_store(&a->query->cancelled, true);
}

static void free_asked(struct job *job) {
  struct asked *a = container_of(job, struct asked, job);
  query_free(a->query);
  free(a);
}

/* Takes *q over and asks it; push makes the results of a query that went well. */
static int ask(lua_State *L, struct task *task, struct query **q, struct asked options,
               int (*push)(lua_State *L, struct job *job)) {
  struct asked *a = xmemdup(&options, sizeof options);
  a->job = (struct job){.push = push, .free = free_asked, .cancel = cancel};
  a->query = *q;
  *q = NULL;
  script_begin(task, &a->job);
  a->query->asker = a;
  a->query->loop = a->job.loop;
  a->query->done.receive = on_answer;
  storage_query(lua_storage(L), a->query);
  return script_wait(L, &a->job);
}

static struct query *answered(struct job *job) {
  return container_of(job, struct asked, job)->query;
}

static int push_failure(lua_State *L, const struct query *q) {
  return lua_storage_fail(L, q->status, q->error);
}

/* { time, row }: where a page ended. */
static void push_cursor(lua_State *L, const struct query *q) {
  if (!q->has_next) {
    lua_pushnil(L);
    return;
  }
  lua_createtable(L, 2, 0);
  lua_pushinteger(L, q->next.time);
  lua_rawseti(L, -2, 1);
  lua_pushinteger(L, q->next.row);
  lua_rawseti(L, -2, 2);
}

static int push_page(lua_State *L, struct job *job) {
  struct query *q = answered(job);
  if (q->status < 0)
    return push_failure(L, q);
  lua_createtable(L, 0, 3);
  lua_json_push_taken(L, &q->json);
  lua_setfield(L, -2, q->as == ROWS_JSON ? "json" : "text");
  lua_pushinteger(L, q->nrows);
  lua_setfield(L, -2, "count");
  push_cursor(L, q);
  lua_setfield(L, -2, "next");
  return 1;
}

static int push_rows(lua_State *L, struct job *job) {
  struct query *q = answered(job);
  if (q->status < 0)
    return push_failure(L, q);
  lua_createtable(L, (int) q->batch->count, 0);
  for (size_t i = 0; i < q->batch->count; i++) {
    lua_batch_push_row(L, q->batch, batch_record(q->batch, i), q->with_extra);
    lua_rawseti(L, -2, (lua_Integer) i + 1);
  }
  lua_json_mark_array(L);
  push_cursor(L, q);
  return 2;
}

static void read_after(lua_State *L, struct query *q) {
  if (lua_getfield(L, 1, "after") != LUA_TNIL) {
    if (!lua_istable(L, -1))
      lua_field_error(L, "after", "{ time, row } expected, as a page's next");
    q->has_after = true;
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    q->after.time = luaL_checkinteger(L, -2);
    q->after.row = luaL_checkinteger(L, -1);
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

static enum rows_as read_as(lua_State *L) {
  static const char *const names[] = {
      [ROWS_BATCH] = "tables",
      [ROWS_JSON] = "json",
      [ROWS_NDJSON] = "ndjson",
      [ROWS_CSV] = "csv",
      NULL,
  };
  lua_getfield(L, 1, "as");
  enum rows_as as = (enum rows_as) luaL_checkoption(L, -1, "tables", names);
  lua_pop(L, 1);
  return as;
}

/* Columns, and "extra". */
static void read_fields(lua_State *L, struct query *q) {
  const struct schema *schema = script_services(L)->schema;
  size_t n = lua_field_list(L, 1, "fields", 1, sizeof q->fields / sizeof *q->fields, "columns");
  for (; q->nfields < n; q->nfields++) {
    size_t len = 0;
    lua_rawgeti(L, -1, (lua_Integer) q->nfields + 1);
    const char *name = lua_tolstring(L, -1, &len);
    bool is_extra = name != NULL && strcmp(name, "extra") == 0;
    int column = name != NULL && !is_extra ? schema_column(schema, name, len) : -1;
    if (column < 0 && !is_extra)
      lua_column_error(L, "fields", -1);
    q->fields[q->nfields] = is_extra ? FIELD_EXTRA : column;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

int l_storage_select(lua_State *L) {
  static const char *const known[] = {"where",  "order_by", "descending", "extra",  "limit",
                                      "offset", "as",       "after",      "fields", NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_fields_check(L, 1, known);
  struct task *task = script_task(L, "storage.select");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  struct query **place = push_query(L, QUERY_SELECT), *q = *place;
  int order_by = lua_field_column(L, 1, "order_by");
  q->order_by = order_by >= 0 ? order_by : script_services(L)->schema->time;
  q->where = lua_field_conditions(L, 1, "where");
  q->descending = lua_field_boolean(L, 1, "descending");
  q->with_extra = lua_field_boolean(L, 1, "extra");
  q->limit = (uint32_t) lua_field_integer(L, 1, "limit", 1000, 1, SELECT_MAX);
  q->offset = (uint32_t) lua_field_integer(L, 1, "offset", 0, 0, UINT32_MAX);
  q->as = read_as(L);
  read_fields(L, q);
  read_after(L, q);
  return ask(L, task, place, (struct asked){0}, q->as == ROWS_BATCH ? push_rows : push_page);
}

static int push_count(lua_State *L, struct job *job) {
  struct query *q = answered(job);
  if (q->status < 0)
    return push_failure(L, q);
  lua_pushinteger(L, q->count);
  return 1;
}

int l_storage_count(lua_State *L) {
  static const char *const known[] = {"where", NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_fields_check(L, 1, known);
  struct task *task = script_task(L, "storage.count");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  struct query **q = push_query(L, QUERY_COUNT);
  (*q)->where = lua_field_conditions(L, 1, "where");
  return ask(L, task, q, (struct asked){0}, push_count);
}

static int push_found(lua_State *L, struct job *job) {
  struct query *q = answered(job);
  if (q->status < 0)
    return push_failure(L, q);
  if (q->batch == NULL || q->batch->count == 0) {
    lua_pushnil(L);
    return 1;
  }
  const struct record *r = batch_record(q->batch, 0);
  if (container_of(job, struct asked, job)->as_json) {
    struct buf *json = lua_json_push_fragment(L);
    record_write_json(json, q->batch->schema, r, &q->batch->text, true);
  } else {
    lua_batch_push_row(L, q->batch, r, true);
  }
  return 1;
}

int l_storage_get(lua_State *L) {
  static const char *const forms[] = {"table", "json", NULL};
  size_t len;
  const char *id = luaL_checklstring(L, 1, &len);
  bool as_json = luaL_checkoption(L, 2, "table", forms) == 1;
  struct task *task = script_task(L, "storage.get");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  struct query **q = push_query(L, QUERY_LOOKUP);
  (*q)->with_extra = true;
  buf_append(&(*q)->id, id, len);
  return ask(L, task, q, (struct asked){.as_json = as_json}, push_found);
}

static int push_groups(lua_State *L, struct job *job) {
  struct query *q = answered(job);
  if (q->status < 0)
    return push_failure(L, q);
  if (!container_of(job, struct asked, job)->list) {
    lua_question_push(L, q->questions);
    return 1;
  }
  lua_createtable(L, (int) q->nquestions, 0);
  for (size_t i = 0; i < q->nquestions; i++) {
    lua_question_push(L, &q->questions[i]);
    lua_rawseti(L, -2, (lua_Integer) i + 1);
  }
  return 1;
}

int l_storage_aggregate(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  struct task *task = script_task(L, "storage.aggregate");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  struct query **q = push_query(L, QUERY_AGGREGATE);
  bool list = lua_questions_read(L, *q);
  return ask(L, task, q, (struct asked){.list = list}, push_groups);
}

static void bind_value(lua_State *L, int index, struct result *bound) {
  struct result_value value = {.type = RESULT_NULL};
  size_t len;
  switch (lua_type(L, index)) {
  case LUA_TBOOLEAN:
    value = (struct result_value){RESULT_INTEGER, {.i = lua_toboolean(L, index)}};
    break;
  case LUA_TNUMBER:
    if (lua_isinteger(L, index))
      value = (struct result_value){RESULT_INTEGER, {.i = lua_tointeger(L, index)}};
    else
      value = (struct result_value){RESULT_REAL, {.f = lua_tonumber(L, index)}};
    break;
  case LUA_TSTRING: {
    const char *s = lua_tolstring(L, index, &len);
    value = (struct result_value){RESULT_TEXT, {.s = {(uint32_t) bound->text.len, (uint32_t) len}}};
    buf_append(&bound->text, s, len);
    break;
  }
  case LUA_TNIL:
    break;
  default:
    luaL_typeerror(L, index, "nil, boolean, number or string");
  }
  buf_append(&bound->values, &value, sizeof value);
  bound->ncolumns++;
}

static int push_sql(lua_State *L, struct job *job) {
  struct query *q = answered(job);
  if (q->status < 0)
    return push_failure(L, q);
  lua_result_push(L, &q->rows);
  lua_pushboolean(L, q->truncated);
  return 2;
}

int l_storage_sql(lua_State *L) {
  size_t len;
  const char *sql = luaL_checklstring(L, 1, &len);
  int nargs = lua_gettop(L);
  luaL_argcheck(L, nargs - 1 <= SQL_MAX_BOUND, SQL_MAX_BOUND + 2, "too many values");
  struct task *task = script_task(L, "storage.sql");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  struct query **q = push_query(L, QUERY_SQL);
  buf_append(&(*q)->sql, sql, len);
  for (int i = 2; i <= nargs; i++)
    bind_value(L, i, &(*q)->bound);
  (*q)->bound.nrows = 1;
  return ask(L, task, q, (struct asked){0}, push_sql);
}

/* What is 0 stays nil. */
static void set_known(lua_State *L, const char *name, int64_t n) {
  if (n == 0)
    return;
  lua_pushinteger(L, n);
  lua_setfield(L, -2, name);
}

static void set_count(lua_State *L, const char *name, int64_t n) {
  lua_pushinteger(L, n);
  lua_setfield(L, -2, name);
}

static void push_limits(lua_State *L, const struct retention *limits) {
  lua_createtable(L, 0, 6);
  set_known(L, "rows", limits->rows_s);
  set_known(L, "minute", limits->tiers_s[TIER_MINUTE]);
  set_known(L, "hour", limits->tiers_s[TIER_HOUR]);
  set_known(L, "day", limits->tiers_s[TIER_DAY]);
  set_known(L, "max_bytes", limits->max_bytes);
  set_known(L, "min_free", limits->min_free);
}

static void push_removed(lua_State *L, const struct storage_stats *stats) {
  lua_createtable(L, 0, 6);
  set_count(L, "rows", stats->removed.rows);
  set_count(L, "parts", stats->removed.parts);
  set_count(L, "cells", stats->removed.cells);
  set_count(L, "bytes", stats->removed.bytes);
  set_count(L, "passes", stats->passes);
  set_known(L, "last_pass", stats->last_pass_us / 1000000);
}

static int push_retained(lua_State *L, struct job *job) {
  struct query *q = answered(job);
  struct storage_stats stats;
  if (q->status < 0)
    return push_failure(L, q);
  storage_stats(lua_storage(L), &stats);
  const struct result_value *cell = (const struct result_value *) q->rows.values.data;
  lua_createtable(L, 0, (int) q->rows.nrows + 3);
  for (size_t i = 0; i < q->rows.nrows; i++, cell += 2) {
    size_t len;
    const char *name = value_text(&q->rows.text, cell[0].value, &len);
    lua_pushlstring(L, name, len);
    lua_pushinteger(L, cell[1].value.i);
    lua_rawset(L, -3);
  }
  set_count(L, "rows", stats.rows);
  push_limits(L, &stats.retention);
  lua_setfield(L, -2, "limits");
  push_removed(L, &stats);
  lua_setfield(L, -2, "removed");
  return 1;
}

int l_storage_retention(lua_State *L) {
  struct task *task = script_task(L, "storage.retention");
  if (lua_storage(L) == NULL)
    return lua_storage_unavailable(L);
  return ask(L, task, push_query(L, QUERY_RETAINED), (struct asked){0}, push_retained);
}
