#include "script/engine/task.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/router.h"
#include "loop/loop.h"
#include "script/engine/collect.h"
#include "script/engine/generation.h"
#include "script/engine/handler.h"
#include "script/engine/lua_request.h"
#include "script/engine/lua_timer.h"
#include "script/engine/report.h"

enum { RESTING_MAX = 64, CLOSE_LOOKS = 5, TICK_MS = 50 };

static void run_burst(struct task *task);

static int l_make_coroutine(lua_State *L) {
  struct task *task = lua_touserdata(L, 1);
  task->co = lua_newthread(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, task->co);
  return 0;
}

static struct task *take_task(struct script *script) {
  struct task *task = script->resting;
  if (task != NULL) {
    script->resting = task->next;
    script->nresting--;
    return task;
  }
  task = xcalloc(1, sizeof *task);
  task->script = script;
  lua_pushcfunction(script->L, l_make_coroutine);
  lua_pushlightuserdata(script->L, task);
  if (lua_pcall(script->L, 1, 0, 0) == LUA_OK)
    return task;
  lua_pop(script->L, 1);
  free(task);
  return NULL;
}

static void drop(struct task *task) {
  lua_sethook(task->co, NULL, 0, 0);
  lua_pushnil(task->script->L);
  lua_rawsetp(task->script->L, LUA_REGISTRYINDEX, task->co);
  free(task);
}

void tasks_clear(struct script *script) {
  for (struct task *task = script->resting, *next; task != NULL; task = next) {
    next = task->next;
    drop(task);
  }
  script->resting = NULL;
  script->nresting = 0;
}

static void unlink_task(struct task *task) {
  *task->prev = task->next;
  if (task->next != NULL)
    task->next->prev = task->prev;
}

static void detach_job(struct task *task) {
  struct job *job = task->job;
  task->job = NULL;
  if (job == NULL)
    return;
  job->task = NULL;
  if (task->job_done)
    job->free(job);
  else if (job->cancel != NULL)
    job->cancel(job);
}

void script_attach(struct task *task, struct attached *a) {
  a->next = task->attached;
  a->prev = &task->attached;
  if (a->next != NULL)
    a->next->prev = &a->next;
  task->attached = a;
}

void script_detach(struct attached *a) {
  *a->prev = a->next;
  if (a->next != NULL)
    a->next->prev = a->prev;
}

static void end_attached(struct task *task) {
  while (task->attached != NULL) {
    struct attached *a = task->attached;
    script_detach(a);
    a->end(a);
  }
}

/* Ends the task's life.  A coroutine that has returned can run another function; one that
 * failed cannot. */
static void release_task(struct task *task, bool reusable) {
  struct script *script = task->script;
  struct generation *generation = script->generation;

  assert(!task->ready);
  if (task->every != NULL)
    timer_done(task->every);
  lua_request_finish(task);
  detach_job(task);
  end_attached(task);
  unlink_task(task);
  buf_clear(&task->traceback);
  outcome_clear(&task->outcome);
  if (reusable && script->nresting < RESTING_MAX) {
    lua_settop(task->co, 0);
    task->next = script->resting;
    script->resting = task;
    script->nresting++;
  } else {
    drop(task);
  }
  generation_unref(generation);
}

void scripts_turn_on(struct scripts *scripts) {
  if (!uv_is_active((uv_handle_t *) &scripts->turn))
    uv_idle_start(&scripts->turn, on_turn);
}

void task_ready(struct task *task) {
  struct scripts *scripts = task->script->scripts;
  if (task->ready)
    return;
  task->ready = true;
  task->ready_next = NULL;
  *scripts->ready_last = task;
  scripts->ready_last = &task->ready_next;
  scripts_turn_on(scripts);
}

static struct task *pop_ready(struct scripts *scripts) {
  struct task *task = scripts->ready;
  scripts->ready = task->ready_next;
  if (scripts->ready == NULL)
    scripts->ready_last = &scripts->ready;
  task->ready = false;
  return task;
}

void on_turn(uv_idle_t *turn) {
  struct scripts *scripts = container_of(turn, struct scripts, turn);
  int64_t until_ns = clock_monotonic_ns() + LIMITS_SLICE_NS;
  while (scripts->ready != NULL && clock_monotonic_ns() < until_ns)
    run_burst(pop_ready(scripts));
  if (!collect_until(scripts, until_ns + LIMITS_SLICE_NS) && scripts->ready == NULL)
    uv_idle_stop(turn);
}

void task_end(struct task *task, enum task_end why) {
  if (task->end == TASK_GOES_ON)
    task->end = why;
  if (task->script->running != task)
    task_ready(task);
}

void on_tick(uv_timer_t *tick) {
  struct scripts *scripts = container_of(tick, struct scripts, tick);
  int64_t now = (int64_t) uv_now(tick->loop);
  bool waiting = false;
  for (struct script *script = scripts->list; script != NULL; script = script->next)
    for (struct task *task = script->tasks; task != NULL; task = task->next) {
      waiting = true;
      if (now > task->deadline_ms)
        task_end(task, TASK_WALL);
    }
  if (!waiting)
    uv_timer_stop(tick);
}

void tasks_stop(struct script *script) {
  while (script->tasks != NULL) {
    struct task *task = script->tasks;
    task->end = TASK_CLIENT_GONE;
    task->ready = false;
    release_task(task, false);
  }
}

/* __close handlers get a last small budget.  Where the hook raised inside co, its hooks
 * are off and nothing could stop a handler: they are left out. */
static void cut_off(struct task *task) {
  if (!task->raised) {
    lua_State *before = knock_watch(task->co);
    task->script->running = task;
    task->end = task->end == TASK_GOES_ON ? TASK_CPU : task->end;
    task->grace = CLOSE_LOOKS;
    lua_resetthread(task->co);
    task->script->running = NULL;
    knock_watch(before);
  }
  release_task(task, false);
}

static void end_early(struct task *task) {
  struct request *r = task->request;
  bool streaming = task->streaming;
  enum task_end why = task->end;
  report_end(task);
  lua_request_finish(task);
  cut_off(task);
  if (r != NULL)
    handler_respond_failure(r, streaming, why);
}

static void fail_task(struct task *task, int status) {
  struct request *r = task->request;
  bool streaming = task->streaming;
  struct buf body = {0};
  if (status == LUA_ERRMEM)
    collect_begin(task->script);
  report_error(task, status, &body);
  lua_request_finish(task);
  cut_off(task);
  if (r != NULL && streaming)
    http_stream_abort(r);
  else if (r != NULL)
    http_respond_error(r, 500, body.data, NULL);
  buf_clear(&body);
}

/* What the request's connection does with the response may bring the next request at
 * once: the task is at rest before. */
static void finish_task(struct task *task) {
  struct request *r = task->request;
  struct outcome outcome = task->outcome;
  task->outcome = (struct outcome){0};
  lua_request_finish(task);
  if (r != NULL && outcome.kind == OUTCOME_CUSTOM) {
    outcome.custom->send(outcome.custom, r);
    r = NULL;
  }
  release_task(task, true);
  if (r != NULL)
    handler_respond(r, &outcome);
  outcome_clear(&outcome);
}

static void rest(struct task *task) {
  struct scripts *scripts = task->script->scripts;
  if (task->wait == WAIT_TURN)
    task_ready(task);
  else if (task->wait == WAIT_MEMORY)
    collect_begin(task->script);
  if (!uv_is_active((uv_handle_t *) &scripts->tick))
    uv_timer_start(&scripts->tick, on_tick, TICK_MS, TICK_MS);
}

static int resume(struct task *task) {
  struct script *script = task->script;
  lua_State *before = knock_watch(task->co);
  int nresults;
  assert(script->running == NULL);
  script->running = task;
  task->wait = WAIT_NOTHING;
  task->written = 0;
  if (task->cpu_ns > 0) /* a long one: from now on every moment counts */
    task->burst_ns = clock_thread_cpu_ns();
  memory_enter(&script->memory, task->bytes);
  int status = lua_resume(task->co, script->L, 0, &nresults);
  task->bytes = memory_leave(&script->memory);
  script->running = NULL;
  knock_watch(before);
  limits_charge(task);
  return status;
}

static void run_burst(struct task *task) {
  int status = task->end == TASK_GOES_ON ? resume(task) : LUA_YIELD;
  if (status == LUA_OK)
    finish_task(task);
  else if (task->end == TASK_MEMORY)
    fail_task(task, LUA_ERRMEM);
  else if (task->end != TASK_GOES_ON)
    end_early(task);
  else if (status == LUA_YIELD)
    rest(task);
  else
    fail_task(task, status);
}

void task_start(struct script *script, struct request *r, struct every *every, lua_CFunction body) {
  if (script->prev == NULL)
    script_register(script);
  struct task *task = take_task(script);
  if (task == NULL) {
    report_no_task(script, r, every);
    if (every != NULL)
      timer_done(every);
    return;
  }
  const struct settings *settings = script->generation->settings;
  *task = (struct task){
      .script = script, .co = task->co, .request = r, .every = every, .grace = -1};
  int64_t timeout_ms = r != NULL ? script->handlers[r->route->index].timeout_ms : 0;
  task->is_raw = r != NULL && r->route->raw;
  task->deadline_ms = task->is_raw ? INT64_MAX
                                   : (int64_t) uv_now(&script->loop->uv) +
                                         (timeout_ms > 0 ? timeout_ms : settings->script.wall_ms);
  task->next = script->tasks;
  task->prev = &script->tasks;
  if (task->next != NULL)
    task->next->prev = &task->next;
  script->tasks = task;
  if (r != NULL)
    r->handling = task;
  generation_ref(script->generation);
  limits_apply(task->co);
  lua_pushcfunction(task->co, body);
  run_burst(task);
}

int task_wait(lua_State *L, struct task *task, enum task_wait wait, lua_KFunction k) {
  task->wait = wait;
  return lua_yieldk(L, 0, 0, k);
}

static void on_job(struct message *m) {
  struct job *job = container_of(m, struct job, message);
  struct task *task = job->task;
  if (task == NULL) {
    job->free(job);
    return;
  }
  task->job_done = true;
  if (!task->ready && !task->standalone)
    run_burst(task);
}

struct task *script_task(lua_State *L, const char *what) {
  struct script *script = script_of(L);
  struct task *task = script->running;
  if (task == NULL)
    luaL_error(
        L, "%s waits and cannot be called while files are loaded: call it in a handler",
        what);
  else if (task->standalone)
    return task;
  else if (L != task->co)
    luaL_error(L, "%s waits and cannot be called in a coroutine of the script's own", what);
  else if (task->grace >= 0)
    luaL_error(L, "%s waits and cannot be called when the request has ended", what);
  else if (!lua_isyieldable(L))
    luaL_error(L,
               "%s waits and cannot be called inside table.sort, string.gsub, on_record of "
               "hooks.lua or another C function",
               what);
  return task;
}

void script_check_serving(lua_State *L, const char *what) {
  if (script_of(L)->loading)
    luaL_error(
        L, "%s cannot be called while files are loaded: call it in a handler or in every",
        what);
}

void script_begin(struct task *task, struct job *job) {
  job->task = task;
  job->loop = task->script->loop;
  job->message.receive = on_job;
}

static int on_job_done(lua_State *L, int status, lua_KContext context) {
  (void) status;
  struct job *job = (struct job *) context;
  int nresults = job->push(L, job); /* when it raises, release_task() frees the job */
  job->task->job = NULL;
  job->free(job);
  return nresults;
}

int script_wait_then(lua_State *L, struct job *job, lua_KFunction then) {
  job->task->job = job;
  job->task->job_done = false;
  job->task->wait = WAIT_JOB;
  if (job->task->standalone) {
    while (!job->task->job_done)
      uv_run(&job->loop->uv, UV_RUN_ONCE);
    return then(L, LUA_YIELD, (lua_KContext) job);
  }
  return lua_yieldk(L, 0, (lua_KContext) job, then);
}

int script_wait(lua_State *L, struct job *job) {
  return script_wait_then(L, job, on_job_done);
}

void script_end(struct job *job) {
  job->task->job = NULL;
  job->free(job);
}

void script_arrived(struct request *r) {
  struct task *task = r->handling;
  if (task != NULL && task->wait == WAIT_BODY)
    task_ready(task);
}

void script_stop_reading(struct task *task) {
  if (task->wait != WAIT_BODY)
    return;
  task->unwanted = true;
  task_ready(task);
}

void script_cancel(struct request *r) {
  struct task *task = r->handling;
  if (task == NULL)
    return;
  lua_request_finish(task);
  task_end(task, TASK_CLIENT_GONE);
}

struct request *script_request(lua_State *L) {
  struct task *task = script_of(L)->running;
  return task != NULL ? task->request : NULL;
}
