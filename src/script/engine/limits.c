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

enum { INSTRUCTIONS = 10000, KNOCK_NS = 10000000 };

static void keep_traceback(lua_State *L, struct task *task) {
  size_t len;
  luaL_traceback(L, L, NULL, 0);
  const char *text = lua_tolstring(L, -1, &len);
  buf_append(&task->traceback, text, len);
  lua_pop(L, 1);
}

/* Raised again at every instruction from now on, so that no pcall holds it up. */
static void interrupt(lua_State *L, const char *message) {
  limits_look_soon(L);
  luaL_where(L, 0);
  lua_pushstring(L, message);
  lua_concat(L, 2);
  lua_error(L);
}

static void check_load(lua_State *L, struct script *script) {
  if (clock_thread_cpu_ns() < script->load_until_ns)
    return;
  script->overran_load = true;
  interrupt(
      L, "loading takes too long: the files may run for script.load_cpu_ms; look for an endless loop here");
}

static bool stop(lua_State *L, struct task *task) {
  if (task->grace > 0) {
    task->grace--;
  } else if (task->grace < 0 && lua_isyieldable(L)) { /* a resumer that is stuck raises */
    task->wait = WAIT_FOR_EVER;
    return true;
  } else {
    task->raised |= L == task->co;
    interrupt(L, "the script's time is up");
  }
  return false;
}

static bool can_yield(lua_State *L, const struct task *task) {
  return lua_isyieldable(L) && task->stuck == 0;
}

static void check_budgets(lua_State *L, struct task *task, int64_t burst_ns) {
  const struct settings *settings = task->script->generation->settings;
  bool up = burst_ns + task->cpu_ns > settings->script.total_cpu_ms * 1000000 ||
            (burst_ns > settings->script.burst_cpu_ms * 1000000 && !can_yield(L, task));
  if (!up)
    return;
  task->end = TASK_CPU;
  keep_traceback(L, task);
}

bool limits_look(lua_State *L) {
  struct script *script = script_of(L);
  struct task *task = script->running;
  if (task == NULL) {
    if (script->loading)
      check_load(L, script);
    return false;
  }
  int64_t now = clock_thread_cpu_ns();
  if (task->burst_ns == 0)
    task->burst_ns = now;
  if (task->end == TASK_GOES_ON)
    check_budgets(L, task, now - task->burst_ns);
  if (task->end != TASK_GOES_ON)
    return stop(L, task);
  bool memory = memory_must_wait(&script->memory);
  if ((now - task->burst_ns <= LIMITS_SLICE_NS && !memory) || !can_yield(L, task))
    return false;
  task->wait = memory ? WAIT_MEMORY : WAIT_TURN;
  return true;
}

static void on_count(lua_State *L, lua_Debug *ar) {
  (void) ar;
  limits_apply(L);
  if (limits_look(L))
    lua_yield(L, 0);
}

void limits_apply(lua_State *co) {
  lua_sethook(co, on_count, LUA_MASKCOUNT, INSTRUCTIONS);
}

void limits_look_soon(lua_State *co) {
  lua_sethook(co, on_count, LUA_MASKCOUNT, 1);
}

void limits_charge(struct task *task) {
  if (task->burst_ns != 0)
    task->cpu_ns += clock_thread_cpu_ns() - task->burst_ns;
  task->burst_ns = 0;
}

struct knock {
  timer_t timer;
};

static _Thread_local lua_State *volatile watched;

lua_State *knock_watch(lua_State *L) {
  lua_State *before = watched;
  watched = L;
  return before;
}

/* lua_sethook may be called from a signal handler (ldebug.c). */
static void on_knock(int signal) {
  (void) signal;
  if (watched != NULL)
    limits_look_soon(watched);
}

struct knock *knock_start(void) {
  struct sigaction action = {.sa_handler = on_knock, .sa_flags = SA_RESTART};
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
  struct itimerspec every = {{0, KNOCK_NS}, {0, KNOCK_NS}};
  struct knock *knock = xcalloc(1, sizeof *knock);

  event._sigev_un._tid = gettid();
  sigaction(SIGRTMIN, &action, NULL);
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &knock->timer) < 0) {
    free(knock);
    return NULL;
  }
  timer_settime(knock->timer, 0, &every, NULL);
  return knock;
}

void knock_stop(struct knock *knock) {
  if (knock != NULL)
    timer_delete(knock->timer);
  free(knock);
}
