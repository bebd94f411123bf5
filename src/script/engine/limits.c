#include "script/engine/limits.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "script/engine/generation.h"
#include "script/engine/state.h"

enum { INSTRUCTIONS = 10000, KNOCK_NS = 1000000, WORK = 100000 };

/* lua_sethook visits every frame of the stack.  Above DEEP frames the hook stays set and looks by
 * itself, instead of being set again by each knock. */
enum { DEEP = 1000, DEEP_INSTRUCTIONS = 100 };

struct knock {
  timer_t timer;
  volatile sig_atomic_t is_coming;
};

static _Thread_local struct knock *volatile own_knock; /* NULL: nobody knocks on this thread */
static _Thread_local lua_State *volatile watched;

static void on_count(lua_State *L, lua_Debug *ar);

static void keep_traceback(lua_State *L, struct task *task) {
  size_t len;
  luaL_traceback(L, L, NULL, 0);
  const char *text = lua_tolstring(L, -1, &len);
  buf_append(&task->traceback, text, len);
  lua_pop(L, 1);
}

static bool is_deeper(lua_State *L, int frames) {
  lua_Debug frame;
  return lua_getstack(L, frames, &frame);
}

/* 0: the hook comes when it is knocked for. */
static void set_period(lua_State *L, int instructions) {
  if (lua_gethookcount(L) != instructions)
    lua_sethook(L, on_count, instructions > 0 ? LUA_MASKCOUNT : 0, instructions);
}

/* A hook that counts makes every instruction of a script take twice as long.  ThreadSanitizer keeps
 * signals back for as long as a loop calls nothing. */
static int usual_period(void) {
#ifdef __SANITIZE_THREAD__
  return INSTRUCTIONS;
#else
  return own_knock != NULL ? 0 : INSTRUCTIONS;
#endif
}

/* Raised again at every instruction from now on, so that no pcall holds it up. */
static void interrupt(lua_State *L, const char *message) {
  set_period(L, 1);
  luaL_where(L, 0);
  lua_pushstring(L, message);
  lua_concat(L, 2);
  lua_error(L);
}

/* How the caller can end a turn. */
enum way {
  WAY_YIELD, /* where L is yieldable */
  WAY_HOOK,  /* the same, inside Lua's hook: raising switches hooks off until something catches */
  WAY_RAISE,
};

static bool is_load_over(struct script *script) {
  script->overran_load |= script->loading && clock_thread_cpu_ns() >= script->load_until_ns;
  return script->overran_load;
}

static void raise_time_up(lua_State *L) {
  interrupt(L, script_of(L)->running != NULL
                   ? "the script's time is up"
                   : "loading takes too long: the files may run for script.load_cpu_ms; "
                     "look for an endless "
                     "loop here");
}

static bool stop_task(lua_State *L, struct task *task, enum way way) {
  if (task->grace > 0) {
    task->grace--;
  /* a resumer that is stuck raises */
  } else if (task->grace < 0 && way != WAY_RAISE && lua_isyieldable(L)) {
    task->wait = WAIT_FOR_EVER;
    return true;
  } else {
    task->raised |= way == WAY_HOOK && L == task->co;
    raise_time_up(L);
  }
  return false;
}

static bool can_yield(lua_State *L, const struct task *task, enum way way) {
  return way != WAY_RAISE && lua_isyieldable(L) && task->stuck == 0;
}

static bool is_over(lua_State *L, struct task *task, int64_t now, enum way way) {
  const struct settings *settings = task->script->generation->settings;
  if (task->end != TASK_GOES_ON)
    return true;
  int64_t burst_ns = now - task->burst_ns;
  if (burst_ns + task->cpu_ns <= settings->script.total_cpu_ms * 1000000 &&
      (burst_ns <= settings->script.burst_cpu_ms * 1000000 || can_yield(L, task, way)))
    return false;
  task->end = TASK_CPU;
  keep_traceback(L, task);
  return true;
}

static int64_t read_clock(struct task *task) {
  int64_t now = clock_thread_cpu_ns();
  if (task->burst_ns == 0)
    task->burst_ns = now;
  return now;
}

static bool check_time(lua_State *L, enum way way) {
  struct script *script = script_of(L);
  struct task *task = script->running;
  if (task == NULL) {
    if (is_load_over(script))
      raise_time_up(L);
    return false;
  }
  int64_t now = read_clock(task);
  if (is_over(L, task, now, way))
    return stop_task(L, task, way);
  bool memory = memory_must_wait(&script->memory);
  if ((now - task->burst_ns <= LIMITS_SLICE_NS && !memory) || !can_yield(L, task, way))
    return false;
  task->wait = memory ? WAIT_MEMORY : WAIT_TURN;
  return true;
}

bool limits_check(lua_State *L) {
  return check_time(L, WAY_YIELD);
}

bool limits_are_over(lua_State *L) {
  const struct script *script = script_of(L);
  return script->running != NULL
             ? script->running->end != TASK_GOES_ON && script->running->grace <= 0
             : script->overran_load;
}

bool limits_spend(lua_State *L, size_t steps) {
  struct script *script = memory_of(L) != NULL ? script_of(L) : NULL;
  if (script == NULL)
    return true;
  script->work += steps;
  if (script->work < WORK)
    return true;
  script->work = 0;
  struct task *task = script->running;
  if (task != NULL && task->grace > 0) {
    task->grace--;
    return true;
  }
  bool over = task != NULL ? is_over(L, task, read_clock(task), WAY_RAISE) : is_load_over(script);
  if (over)
    set_period(L, 1);
  return !over;
}

void limits_work(lua_State *L, size_t steps) {
  if (!limits_spend(L, steps))
    raise_time_up(L);
}

static void on_count(lua_State *L, lua_Debug *ar) {
  (void) ar;
  if (!limits_are_over(L))
    set_period(L, is_deeper(L, DEEP) ? DEEP_INSTRUCTIONS : usual_period());
  if (check_time(L, WAY_HOOK))
    lua_yield(L, 0);
}

void limits_apply(lua_State *co) {
  set_period(co, usual_period());
}

void limits_charge(struct task *task) {
  if (task->burst_ns != 0)
    task->cpu_ns += clock_thread_cpu_ns() - task->burst_ns;
  task->burst_ns = 0;
}

/* Once, a millisecond from now: while scripts run the next one is asked for at each; then no
 * more than one comes for nothing. */
static void ask_for_knock(struct knock *knock) {
  static const struct itimerspec once = {{0, 0}, {0, KNOCK_NS}};
  knock->is_coming = true;
  timer_settime(knock->timer, 0, &once, NULL);
}

lua_State *knock_watch(lua_State *L) {
  lua_State *before = watched;
  watched = L;
  if (L != NULL && own_knock != NULL && !own_knock->is_coming)
    ask_for_knock(own_knock);
  return before;
}

/* lua_sethook may be called from a signal handler (ldebug.c). */
static void on_knock(int signal) {
  (void) signal;
  if (own_knock == NULL)
    return;
  own_knock->is_coming = false;
  if (watched == NULL)
    return;
  if (lua_gethookmask(watched) == 0 || !is_deeper(watched, DEEP))
    lua_sethook(watched, on_count, LUA_MASKCOUNT, 1);
  ask_for_knock(own_knock);
}

struct knock *knock_start(void) {
  struct sigaction action = {.sa_handler = on_knock, .sa_flags = SA_RESTART};
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
  struct knock *knock = xcalloc(1, sizeof *knock);
  event._sigev_un._tid = gettid();
  sigaction(SIGRTMIN, &action, NULL);
  if (timer_create(CLOCK_MONOTONIC, &event, &knock->timer) < 0) {
    free(knock);
    return NULL;
  }
  own_knock = knock;
  return knock;
}

void knock_stop(struct knock *knock) {
  if (knock == NULL)
    return;
  timer_delete(knock->timer);
  own_knock = NULL;
  free(knock);
}
