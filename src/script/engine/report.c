#include "script/engine/report.h"

#include <lauxlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "http/router.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "script/engine/collect.h"
#include "script/engine/generation.h"
#include "script/engine/lua_timer.h"
#include "script/services.h"

static void count_error(const struct script *script, const char *module, const char *kind) {
  static const char *const labels[] = {"module", "kind"};
  struct metrics *metrics = script->services->metrics;
  struct buf error = {0};
  struct metric *family =
      metrics_family(metrics,
                     &(struct metric_options){.kind = METRIC_COUNTER,
                                              .name = "moonledger_script_failures_total",
                                              .help = "Requests and timers that a script failed.",
                                              .labels = labels,
                                              .nlabels = 2},
                     &error);
  struct metric_label values[] = {{module, strlen(module)}, {kind, strlen(kind)}};
  if (family != NULL)
    metric_inc(metrics, family, values, 1);
  buf_clear(&error);
}

static const char *module_of(const struct request *r) {
  return r != NULL ? r->route->module : "every";
}

enum { LINES_OF_PLACE = 10, MINUTE_MS = 60 * 1000 };

/* What failed, where and how, but for the numbers in it, which may be of this time only. */
static uint64_t place_of(const struct script *script, const char *what, const char *where,
                         const struct buf *traceback) {
  struct buf place = {0};
  buf_printf(&place, "%lld\n%s\n%s\n", (long long) script->generation->site.number, what, where);
  for (size_t i = 0; i < traceback->len; i++)
    if (traceback->data[i] < '0' || traceback->data[i] > '9')
      buf_putc(&place, traceback->data[i]);
  uint64_t hash = hash_quickly(place.data, place.len);
  buf_clear(&place);
  return hash;
}

/* What fails again and again would fill the log: a place has some lines, and is then silent for a
 * minute.  false: it is left out; else how many were since its last line. */
static bool may_log(struct script *script, uint64_t place, unsigned *left_out) {
  struct told *t = &script->scripts->told[place % TOLD_PLACES];
  uint64_t now = uv_now(&script->loop->uv);
  bool known = t->place == place && t->lines > 0;
  bool again = known && now - t->logged_ms < MINUTE_MS;
  if (again && t->lines == LINES_OF_PLACE) {
    t->left_out++;
    return false;
  }
  *left_out = known ? t->left_out : 0;
  *t = (struct told){place, now, again ? t->lines + 1 : 1, 0};
  return true;
}

/* r, or else the timer whose turn it was, which may be gone. */
static void write_log(struct script *script, const struct request *r, const struct every *every,
                      const char *message, const struct buf *traceback) {
  const char *timer = every != NULL ? timer_place(every) : "";
  unsigned left_out;
  const char *where = r != NULL ? r->route->module : timer;
  if (!may_log(script, place_of(script, message, where, traceback), &left_out))
    return;
  log_error(
      message, log_str("module", module_of(r)),
      r != NULL ? log_str("route", r->route->pattern) : log_str("timer", timer),
      log_int("generation", (int64_t) script->generation->site.number),
      log_int("left_out", left_out),
      log_str("request_id", r != NULL ? r->id : ""),
      log_bytes("traceback", traceback->len > 0 ? traceback->data : "", traceback->len));
}

/* An error object that is no text says nothing; its __tostring is not called, for it may
 * be what is wrong. */
static const char *error_text(lua_State *L, int index) {
  const char *text = lua_tostring(L, index);
  if (text == NULL)
    text = lua_pushfstring(L, "(the error is a %s value, not a text)", luaL_typename(L, index));
  return text;
}

/* What to add to an error that comes of something that scripts do not have; "" for others. */
static const char *hint_for(const char *message) {
  static const char *const absent[] = {
      "global 'io'",       "global 'debug'",  "global 'package'", "global 'dofile'",
      "global 'loadfile'", "field 'execute'", "field 'exit'",     "field 'getenv'",
      "field 'remove'",    "field 'rename'",  "field 'tmpname'"};
  for (size_t i = 0; message != NULL && i < sizeof absent / sizeof *absent; i++)
    if (strstr(message, absent[i]) != NULL && strstr(message, "a nil value") != NULL)
      return " (scripts are sandboxed: files, processes and debug are out of reach; "
             "lua/README.md, Limits)";
  return "";
}

static void push_traceback(lua_State *L, lua_State *co, const char *message) {
  if (message != NULL)
    message = lua_pushfstring(L, "%s%s", message, hint_for(message));
  luaL_traceback(L, co, message, 0);
}

static int l_traceback(lua_State *L) {
  lua_State *co = lua_touserdata(L, 1);
  struct buf *out = lua_touserdata(L, 2);
  bool raised = lua_status(co) != LUA_YIELD;
  if (lua_checkstack(co, LUA_MINSTACK))
    push_traceback(L, co, raised ? error_text(co, lua_gettop(co)) : NULL);
  else
    lua_pushliteral(L, "(the stack is full)");
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  buf_append(out, text, len);
  return 0;
}

static void take_traceback(struct task *task, struct buf *out) {
  lua_State *L = task->script->L;
  lua_pushcfunction(L, l_traceback);
  lua_pushlightuserdata(L, task->co);
  lua_pushlightuserdata(L, out);
  if (lua_pcall(L, 2, 0, 0) != LUA_OK)
    lua_pop(L, 1);
}

void report_error(struct task *task, int status, struct buf *body) {
  struct script *script = task->script;
  bool memory = status == LUA_ERRMEM;
  struct buf traceback = {0};
  if (memory)
    buf_literal(&traceback, "not enough memory: script.memory_bytes is the bound of one "
                            "loop's scripts together");
  else
    take_traceback(task, &traceback);
  count_error(script, module_of(task->request), memory ? "memory" : "error");
  write_log(script, task->request, task->every, "script failed", &traceback);
  if (script->generation->settings->dev)
    buf_append(body, traceback.data, traceback.len);
  else
    buf_puts(body, memory ? "The script ran out of memory" : "Internal Server Error");
  buf_putc(body, '\0');
  buf_clear(&traceback);
}

void report_end(struct task *task) {
  static const char *const kinds[] = {
      [TASK_CPU] = "cpu", [TASK_WALL] = "wall", [TASK_EXPIRED] = "expired"};
  static const char *const messages[] = {[TASK_CPU] = "script used up its CPU time",
                                         [TASK_WALL] = "script took too long",
                                         [TASK_EXPIRED] = "script of an old generation had to end"};
  if (task->end == TASK_CLIENT_GONE)
    return;
  if (task->traceback.len == 0)
    take_traceback(task, &task->traceback);
  count_error(task->script, module_of(task->request), kinds[task->end]);
  write_log(task->script, task->request, task->every, messages[task->end], &task->traceback);
}

void report_no_task(struct script *script, struct request *r, const struct every *every) {
  struct buf nothing = {0};
  count_error(script, module_of(r), "memory");
  write_log(script, r, every, "no memory for a coroutine", &nothing);
  collect_begin(script);
  if (r != NULL)
    http_respond_error(r, 503, "The scripts are out of memory", "retry-after: 1\r\n");
}

void report_memory(struct script *script) {
  if (script->recycling || !memory_is_short(&script->memory))
    return;
  script->recycling = true;
  log_warn("scripts hold most of their memory: a fresh generation is made",
           log_int("generation", (int64_t) script->generation->site.number),
           log_int("loop", script->loop->index),
           log_int("bytes", (int64_t) script->memory.used));
  script->generation->renew(script->generation);
}

void report_take_message(lua_State *L, struct buf *out) {
  size_t len;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  if (text != NULL) {
    buf_append(out, text, len);
    buf_puts(out, hint_for(text));
  } else {
    buf_printf(out, "raised an error that is a %s value, not a text", luaL_typename(L, -1));
  }
  lua_pop(L, 1);
}
