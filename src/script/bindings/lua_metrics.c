#include <lauxlib.h>
#include <stdlib.h>
#include <uv.h>

#include "base/mem.h"
#include "metrics/metrics.h"
#include "script/bindings/bindings.h"
#include "script/bindings/lua_fields.h"
#include "script/engine/lua_json.h"
#include "script/engine/script.h"
#include "script/services.h"

enum { MAX_LABELS = 8, MAX_BOUNDS = 64 };

static const double default_bounds[] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

/* A family as scripts hold it.  Families live as long as the registry. */
struct handle {
  struct metrics *metrics;
  struct metric *family;
  size_t nlabels;
};

static const char *const type_names[] = {"metrics.counter", "metrics.gauge", "metrics.histogram"};

static const char *check_field(lua_State *L, const char *name) {
  if (lua_getfield(L, 1, name) != LUA_TSTRING)
    luaL_error(L, "bad argument #1 (field %s must be a string)", name);
  return lua_tostring(L, -1);
}

/* Names stay anchored on the stack. */
static size_t check_labels(lua_State *L, const char *labels[MAX_LABELS]) {
  size_t n = lua_field_list(L, 1, "labels", 0, MAX_LABELS, "names");
  int list = lua_gettop(L);
  for (size_t i = 0; i < n; i++) {
    luaL_argcheck(L, lua_rawgeti(L, list, (lua_Integer) i + 1) == LUA_TSTRING, 1,
                  "labels must be a list of names");
    labels[i] = lua_tostring(L, -1);
  }
  return n;
}

static size_t check_bounds(lua_State *L, double bounds[MAX_BOUNDS]) {
  size_t n = lua_field_list(L, 1, "buckets", 0, MAX_BOUNDS, "bounds");
  if (lua_isnil(L, -1)) {
    memcpy(bounds, default_bounds, sizeof default_bounds);
    return sizeof default_bounds / sizeof *default_bounds;
  }
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer) i + 1);
    bounds[i] = luaL_checknumber(L, -1);
    luaL_argcheck(L, i == 0 || bounds[i] > bounds[i - 1], 1, "buckets must ascend");
    lua_pop(L, 1);
  }
  return n;
}

static int new_family(lua_State *L, enum metric_kind kind) {
  const char *labels[MAX_LABELS];
  double bounds[MAX_BOUNDS];
  static const char *const known[] = {"name", "help", "labels", "buckets", NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_fields_check(L, 1, known);
  struct metric_options options = {.kind = kind, .labels = labels, .bounds = bounds};
  options.name = check_field(L, "name");
  options.help = check_field(L, "help");
  options.nlabels = check_labels(L, labels);
  options.nbounds = kind == METRIC_HISTOGRAM ? check_bounds(L, bounds) : 0;

  struct buf *error = lua_json_push_fragment(L);
  struct handle *h = lua_newuserdatauv(L, sizeof *h, 0);
  h->metrics = script_services(L)->metrics;
  h->nlabels = options.nlabels;
  h->family = metrics_family(h->metrics, &options, error);
  if (h->family == NULL) {
    lua_pushlstring(L, error->data, error->len);
    return luaL_argerror(L, 1, lua_tostring(L, -1));
  }
  luaL_setmetatable(L, type_names[kind]);
  return 1;
}

static int l_metrics_counter(lua_State *L) {
  return new_family(L, METRIC_COUNTER);
}

static int l_metrics_gauge(lua_State *L) {
  return new_family(L, METRIC_GAUGE);
}

static int l_metrics_histogram(lua_State *L) {
  return new_family(L, METRIC_HISTOGRAM);
}

typedef void (*metric_update)(struct metrics *m, struct metric *f,
                              const struct metric_label *labels, double n);

/* handle:update(n, label...): a value for each label of the family, in their order. */
static int update(lua_State *L, enum metric_kind kind, metric_update apply) {
  struct metric_label labels[MAX_LABELS];
  struct handle *h = luaL_checkudata(L, 1, type_names[kind]);
  double n = kind == METRIC_COUNTER ? luaL_optnumber(L, 2, 1) : luaL_checknumber(L, 2);
  luaL_argcheck(L, kind != METRIC_COUNTER || n >= 0, 2, "a counter cannot go down");
  size_t given = lua_gettop(L) > 2 ? (size_t) lua_gettop(L) - 2 : 0;
  if (given != h->nlabels)
    return luaL_error(L, "%d label values expected, got %d", (int) h->nlabels, (int) given);
  for (size_t i = 0; i < h->nlabels; i++)
    labels[i].value = luaL_checklstring(L, (int) i + 3, &labels[i].len);
  apply(h->metrics, h->family, labels, n);
  return 0;
}

static int l_counter_inc(lua_State *L) {
  return update(L, METRIC_COUNTER, metric_inc);
}

static int l_gauge_set(lua_State *L) {
  return update(L, METRIC_GAUGE, metric_set);
}

static int l_gauge_inc(lua_State *L) {
  return update(L, METRIC_GAUGE, metric_inc);
}

static int l_histogram_observe(lua_State *L) {
  return update(L, METRIC_HISTOGRAM, metric_observe);
}

struct render {
  struct job job;
  uv_work_t work;
  struct metrics *metrics;
  enum exposition format;
  struct buf page;
};

static void render_page(uv_work_t *work) {
  struct render *r = container_of(work, struct render, work);
  metrics_render(r->metrics, r->format, &r->page);
}

static void on_rendered(uv_work_t *work, int status) {
  (void) status;
  struct render *r = container_of(work, struct render, work);
  r->job.message.receive(&r->job.message);
}

static int push_page(lua_State *L, struct job *job) {
  struct render *r = container_of(job, struct render, job);
  lua_json_push_taken(L, &r->page);
  lua_pushstring(L, exposition_content_type(r->format));
  return 2;
}

static void free_render(struct job *job) {
  struct render *r = container_of(job, struct render, job);
  buf_clear(&r->page);
  free(r);
}

static int l_metrics_render(lua_State *L) {
  size_t len;
  const char *accept = luaL_optlstring(L, 1, "", &len);
  struct task *task = script_task(L, "metrics.render");
  struct loop *loop = script_loop(L);
  struct render *r = xcalloc(1, sizeof *r);
  r->job = (struct job){.push = push_page, .free = free_render};
  r->metrics = script_services(L)->metrics;
  r->format = exposition_negotiate(accept, len);
  script_begin(task, &r->job);
  uv_queue_work(&loop->uv, &r->work, render_page, on_rendered);
  return script_wait(L, &r->job);
}

static void new_type(lua_State *L, enum metric_kind kind, const luaL_Reg *methods) {
  luaL_newmetatable(L, type_names[kind]);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, type_names[kind]);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

int luaopen_metrics(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"counter", l_metrics_counter},
    {"gauge", l_metrics_gauge},
    {"histogram", l_metrics_histogram},
    {"render", l_metrics_render},
    {NULL, NULL},
  };
  static const luaL_Reg counter[] = {{"inc", l_counter_inc}, {NULL, NULL}};
  static const luaL_Reg gauge[] = {{"set", l_gauge_set}, {"inc", l_gauge_inc}, {NULL, NULL}};
  static const luaL_Reg histogram[] = {{"observe", l_histogram_observe}, {NULL, NULL}};
  new_type(L, METRIC_COUNTER, counter);
  new_type(L, METRIC_GAUGE, gauge);
  new_type(L, METRIC_HISTOGRAM, histogram);
  luaL_newlib(L, functions);
  return 1;
}
