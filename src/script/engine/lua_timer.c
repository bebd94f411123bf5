#include "script/engine/lua_timer.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "script/engine/task.h"

enum { MAX_EVERIES = 256 };
static const lua_Integer longest_ms = 24 * 3600 * 1000;

struct sleep {
  struct job job;
  uv_timer_t timer;
};

static void on_sleep_closed(uv_handle_t *handle) {
  struct sleep *s = container_of((uv_timer_t *) handle, struct sleep, timer);
  s->job.message.receive(&s->job.message);
}

static void on_wake_up(uv_timer_t *timer) {
  uv_close((uv_handle_t *) timer, on_sleep_closed);
}

static int push_nothing(lua_State *L, struct job *job) {
  (void) L;
  (void) job;
  return 0;
}

static void free_sleep(struct job *job) {
  free(container_of(job, struct sleep, job));
}

static void cancel_sleep(struct job *job) {
  struct sleep *s = container_of(job, struct sleep, job);
  if (!uv_is_closing((uv_handle_t *) &s->timer))
    uv_close((uv_handle_t *) &s->timer, on_sleep_closed);
}

int l_sleep(lua_State *L) {
  lua_Integer ms = luaL_checkinteger(L, 1);
  luaL_argcheck(L, ms >= 0 && ms <= longest_ms, 1, "milliseconds from 0 to a day expected");
  struct task *task = script_task(L, "sleep");

  struct sleep *s = xcalloc(1, sizeof *s);
  s->job.push = push_nothing;
  s->job.free = free_sleep;
  s->job.cancel = cancel_sleep;
  uv_timer_init(&task->script->loop->uv, &s->timer);
  uv_timer_start(&s->timer, on_wake_up, (uint64_t) ms, 0);
  script_begin(task, &s->job);
  return script_wait(L, &s->job);
}

struct every {
  uv_timer_t timer;
  struct script *script;
  char *place; /* FILE:LINE: where every was called */
  int function;
  uint64_t ms;
  bool started, busy;
  struct every *next;
};

/* Of luaL_where's text at index.  Raises nothing. */
static char *copy_place(lua_State *L, int index) {
  size_t len;
  const char *where = lua_tolstring(L, index, &len);
  static const char end[] = ": ";
  char *place = xmemdup(where, len + 1);
  if (len > sizeof end - 1)
    place[len - (sizeof end - 1)] = '\0';
  return place;
}

int l_every(lua_State *L) {
  struct script *script = script_of(L);
  lua_Integer ms = luaL_checkinteger(L, 1);
  luaL_argcheck(L, ms >= 1 && ms <= longest_ms, 1, "milliseconds from 1 to a day expected");
  luaL_checktype(L, 2, LUA_TFUNCTION);
  size_t count = 0;
  for (struct every *e = script->everies; e != NULL; e = e->next)
    count++;
  if (!script->loading)
    return luaL_error(
        L, "every belongs to the top level of a file: it cannot be called in a handler");
  if (count == MAX_EVERIES)
    return luaL_error(L, "at most %d timers: one every can do the work of several", MAX_EVERIES);

  lua_settop(L, 2);
  luaL_where(L, 1);
  lua_pushvalue(L, 2);
  int function = luaL_ref(L, LUA_REGISTRYINDEX);
  struct every *every = xcalloc(1, sizeof *every);
  *every = (struct every){.script = script,
                          .place = copy_place(L, 3),
                          .function = function,
                          .ms = (uint64_t) ms,
                          .next = script->everies};
  script->everies = every;
  return 0;
}

static int on_turn_done(lua_State *L, int status, lua_KContext context) {
  (void) L;
  (void) status;
  (void) context;
  return 0;
}

/* With a continuation, so that the function may wait. */
static int run_turn(lua_State *L) {
  struct task *task = script_of(L)->running;
  lua_rawgeti(L, LUA_REGISTRYINDEX, task->every->function);
  lua_callk(L, 0, 0, 0, on_turn_done);
  return 0;
}

/* A turn that takes longer than the interval makes the next one fall out. */
static void on_timer(uv_timer_t *timer) {
  struct every *every = container_of(timer, struct every, timer);
  if (every->busy)
    return;
  every->busy = true;
  task_start(every->script, NULL, every, run_turn);
}

void timer_done(struct every *every) {
  every->busy = false;
}

const char *timer_place(const struct every *every) {
  return every->place;
}

static void free_every(struct every *every) {
  free(every->place);
  free(every);
}

void timers_start(struct script *script) {
  for (struct every *e = script->everies; e != NULL; e = e->next) {
    uv_timer_init(&script->loop->uv, &e->timer);
    uv_timer_start(&e->timer, on_timer, e->ms, e->ms);
    e->started = true;
  }
}

static void on_closed(uv_handle_t *handle) {
  free_every(container_of((uv_timer_t *) handle, struct every, timer));
}

/* A task may still run a turn: it has its function on the stack, and forgets the timer. */
void timers_stop(struct script *script) {
  for (struct task *task = script->tasks; task != NULL; task = task->next)
    task->every = NULL;
  for (struct every *e = script->everies, *next; e != NULL; e = next) {
    next = e->next;
    if (e->started)
      uv_close((uv_handle_t *) &e->timer, on_closed);
    else
      free_every(e);
  }
  script->everies = NULL;
}
