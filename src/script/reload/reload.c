#include "script/reload/generation.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "config.h"
#include "metrics/metrics.h"
#include "script/bindings/lua_timer.h"
#include "script/engine/state.h"
#include "script/engine/task.h"
#include "script/reload/own.h"
#include "script/reload/snapshot.h"
#include "script/reload/watch.h"
#include "services.h"

enum { RETRY_MS = 250, OLD_MAX = 2, OLD_GRACE_MS = 10000 };

enum trigger { TRIGGER_ASKED, TRIGGER_SAVED, TRIGGER_RETRY };

/* Which generation is in force, and what puts another one there.
 *
 * Loading happens on a thread of its own: no loop waits for files or for Lua's compiler.  The states of all
 * loops are made there, and one pointer changes when all of them are whole: that is why every loop serves the
 * same generation. */
struct generations {
  struct services *services;
  char *config_file;
  pthread_mutex_t lock;
  struct generation *current; /* under lock; its reference is the service's */
  struct generation *living;  /* under lock */
  bool stopping;              /* under lock */
  struct buf failure;         /* under lock: why the last reload was refused; empty after one that was not */
  int64_t started_us;

  struct loop loader; /* what follows belongs to its thread */
  uv_timer_t run, retry;
  struct message stop;
  struct watch *watch;
  struct reload *asked, **asked_last;
  uint64_t number;
  size_t nown;          /* files of the user's when last loaded */
  uint64_t failed_hash; /* of the files that were reported as broken; 0: none */
  struct metric *reloads, *number_metric, *success_metric;
};

struct generation *generation_current(struct generations *g) {
  pthread_mutex_lock(&g->lock);
  struct generation *current = generation_ref(g->current);
  pthread_mutex_unlock(&g->lock);
  return current;
}

void generations_forget(struct generation *old) {
  pthread_mutex_lock(&old->owner->lock);
  *old->prev = old->next;
  if (old->next != NULL)
    old->next->prev = old->prev;
  pthread_mutex_unlock(&old->owner->lock);
}

/* ---- Old generations ---- */

static struct generation *find_overdue(struct generations *g) {
  int64_t now_ms = clock_monotonic_ns() / 1000000;
  unsigned count = 0;
  pthread_mutex_lock(&g->lock);
  struct generation *old = g->living; /* newest first */
  while (old != NULL && (old == g->current || ++count <= OLD_MAX || old->expired ||
                       now_ms - old->replaced_ms < OLD_GRACE_MS || !generation_try_ref(old)))
    old = old->next;
  pthread_mutex_unlock(&g->lock);
  return old;
}

/* More than two old ones may live for a while, until the requests they serve end by themselves or have had
 * their time. */
static void expire_old(struct generations *g) {
  for (struct generation *old; (old = find_overdue(g)) != NULL;) {
    generation_expire(old);
    generation_unref(old);
  }
}

/* ---- Coming into force ---- */

static void on_activate(struct message *m) {
  struct generation *fresh = container_of(m, struct generation, activate);
  struct script *script = fresh->scripts[0];
  if (script->loop->scripts != NULL)
    timers_start(script);
  generation_unref(fresh);
}

static void on_retire(struct message *m) {
  struct generation *old = container_of(m, struct generation, retire);
  timers_stop(old->scripts[0]);
  generation_unref(old);
}

static void set_metrics(struct generations *g) {
  struct metrics *metrics = g->services->metrics;
  metric_set(metrics, g->number_metric, NULL, (double) g->number);
  metric_set(metrics, g->success_metric, NULL, (double) clock_now_us() / 1e6);
}

/* false: the server stops, and fresh stays the caller's. */
static bool put_in_force(struct generations *g, struct generation *fresh) {
  pthread_mutex_lock(&g->lock);
  bool stopping = g->stopping;
  struct generation *old = g->current;
  if (!stopping) {
    fresh->owner = g;
    fresh->next = g->living;
    fresh->prev = &g->living;
    if (fresh->next != NULL)
      fresh->next->prev = &fresh->next;
    g->living = fresh;
    g->current = fresh;
    if (old != NULL)
      old->replaced_ms = clock_monotonic_ns() / 1000000;
    generation_ref(fresh); /* of activate */
  }
  pthread_mutex_unlock(&g->lock);
  if (stopping)
    return false;

  if (old != NULL) {
    old->retire.receive = on_retire;
    loop_post(&g->services->loops[0], &old->retire);
  }
  fresh->activate.receive = on_activate;
  loop_post(&g->services->loops[0], &fresh->activate);
  g->number = fresh->number;
  set_metrics(g);
  return true;
}

/* ---- Reloading ---- */

static void count(struct generations *g, const char *result) {
  metric_inc(g->services->metrics, g->reloads, &(struct metric_label){result, strlen(result)}, 1);
}

/* What a running server cannot take over from the new files. */
static void name_restart_keys(struct generations *g, const struct generation *fresh, const struct generation *old) {
  struct buf keys = {0};
  config_restart_keys(g->services->config, fresh->config, &keys);
  if (keys.len > 0)
    log_warn("settings wait for a restart", log_bytes("keys", keys.data, keys.len));
  buf_clear(&keys);
  const struct snapshot_file *is = snapshot_find(fresh->snapshot, "lua/schema.lua");
  const struct snapshot_file *was = snapshot_find(old->snapshot, "lua/schema.lua");
  if (is != NULL && was != NULL && is->hash != was->hash)
    log_warn("lua/schema.lua has changed: columns, rollups and metric families wait for a restart");
}

static void log_errors(const struct buf *errors, uint64_t number) {
  for (const char *p = errors->data, *end = p + errors->len, *next; p < end; p = next) {
    const char *newline = memchr(p, '\n', (size_t) (end - p));
    next = newline != NULL ? newline + 1 : end;
    size_t len = (size_t) ((newline != NULL ? newline : end) - p);
    log_error("reload failed", log_bytes("error", p, len), log_int("generation", (int64_t) number));
  }
}

static void report_success(struct generations *g, const struct generation *fresh, struct generation *old,
                           int64_t started_ns) {
  const struct config *config = fresh->config;
  g->failed_hash = 0;
  count(g, "success");
  log_configure(config->log_level, config->log_format);
  log_info("reloaded", log_int("generation", (int64_t) g->number),
           log_int("routes", (int64_t) config->nroutes),
           log_real("milliseconds", (double) ((clock_monotonic_ns() - started_ns) / 10000) / 100));
  name_restart_keys(g, fresh, old);
}

static void on_retry(uv_timer_t *timer);

/* errors is NULL when the files in force are those on disk. */
static void remember_failure(struct generations *g, const struct buf *errors) {
  pthread_mutex_lock(&g->lock);
  g->failure.len = 0;
  if (errors != NULL)
    buf_append(&g->failure, errors->data, errors->len);
  pthread_mutex_unlock(&g->lock);
}

/* A file may be half-written: only what is broken twice is reported. */
static void report_failure(struct generations *g, enum trigger trigger, uint64_t hash,
                           const struct buf *errors) {
  if (trigger == TRIGGER_SAVED) {
    uv_timer_start(&g->retry, on_retry, RETRY_MS, 0);
    return;
  }
  g->failed_hash = hash;
  count(g, "failure");
  remember_failure(g, errors);
  log_errors(errors, g->number);
}

/* What is on disk is what is in force, or what has been reported: false when there is more to do. */
static bool is_known(struct generations *g, const struct snapshot *snapshot) {
  if (snapshot->hash == g->failed_hash)
    return true;
  if (snapshot->hash != g->current->snapshot->hash)
    return false;
  if (g->failure.len > 0)
    log_info("config.lua and lua/ are as they are in force again", log_int("generation", (int64_t) g->number));
  g->failed_hash = 0;
  remember_failure(g, NULL);
  return true;
}

/* Some programs save a file by taking the old one away first: what is built in shall not serve meanwhile. */
static bool has_lost_files(struct generations *g, const struct snapshot *snapshot, enum trigger trigger) {
  bool lost = trigger == TRIGGER_SAVED && snapshot->nown < g->nown;
  if (!lost)
    g->nown = snapshot->nown;
  return lost;
}

static void load(struct generations *g, enum trigger trigger, struct buf *errors) {
  int64_t started_ns = clock_monotonic_ns();
  struct snapshot *snapshot = snapshot_read(g->config_file, errors);
  uint64_t hash = snapshot != NULL ? snapshot->hash : 0;
  uv_timer_stop(&g->retry);
  if (snapshot != NULL && has_lost_files(g, snapshot, trigger)) {
    uv_timer_start(&g->retry, on_retry, RETRY_MS, 0);
    snapshot_free(snapshot);
    return;
  }
  if (snapshot != NULL && trigger != TRIGGER_ASKED && is_known(g, snapshot)) {
    snapshot_free(snapshot);
    return;
  }
  struct generation *old = g->current; /* only this thread replaces it */
  generation_ref(old);
  struct generation *fresh =
      snapshot != NULL ? generation_new(g->services, snapshot, g->number + 1, errors) : NULL;
  if (fresh == NULL)
    report_failure(g, trigger, hash, errors);
  else if (!put_in_force(g, fresh))
    generation_free(fresh);
  else {
    remember_failure(g, NULL);
    report_success(g, fresh, old, started_ns);
  }
  generation_unref(old);
  expire_old(g);
}

static void on_retry(uv_timer_t *timer) {
  struct generations *g = container_of(timer, struct generations, retry);
  struct buf errors = {0};
  load(g, TRIGGER_RETRY, &errors);
  buf_clear(&errors);
}

static void on_saved(void *arg) {
  struct generations *g = arg;
  struct buf errors = {0};
  if (g->current->config->watch)
    load(g, TRIGGER_SAVED, &errors);
  buf_clear(&errors);
}

static void answer(struct generations *g, struct reload *reload, const struct buf *errors) {
  reload->number = g->number;
  buf_append(&reload->errors, errors->data, errors->len);
  if (reload->loop != NULL)
    loop_post(reload->loop, &reload->done);
  else
    reload->done.receive(&reload->done);
}

static void on_run(uv_timer_t *timer) {
  struct generations *g = container_of(timer, struct generations, run);
  struct reload *asked = g->asked, *next;
  struct buf errors = {0};
  g->asked = NULL;
  g->asked_last = &g->asked;
  load(g, TRIGGER_ASKED, &errors);
  for (; asked != NULL; asked = next) {
    next = asked->next;
    answer(g, asked, &errors);
  }
  buf_clear(&errors);
}

static void on_asked(struct message *m) {
  struct reload *reload = container_of(m, struct reload, ask);
  struct generations *g = reload->generations;
  pthread_mutex_lock(&g->lock);
  bool stopping = g->stopping;
  pthread_mutex_unlock(&g->lock);
  if (stopping) {
    answer(g, reload, &(struct buf){.data = "the server stops\n", .len = 17});
    return;
  }
  *g->asked_last = reload;
  g->asked_last = &reload->next;
  uv_timer_start(&g->run, on_run, 0, 0);
}

static void free_unasked(struct message *m) {
  struct reload *reload = container_of(m, struct reload, done);
  buf_clear(&reload->errors);
  free(reload);
}

void generations_reload(struct generations *g, struct reload *reload) {
  if (reload == NULL) {
    reload = xcalloc(1, sizeof *reload);
    reload->done.receive = free_unasked;
  }
  reload->generations = g;
  reload->next = NULL;
  reload->ask.receive = on_asked;
  loop_post(&g->loader, &reload->ask);
}

void generations_status(struct generations *g, struct generations_status *status) {
  pthread_mutex_lock(&g->lock);
  status->number = g->current->number;
  status->started_us = g->started_us;
  buf_append(&status->errors, g->failure.data, g->failure.len);
  pthread_mutex_unlock(&g->lock);
}

/* ---- Start and stop ---- */

static struct metric *family(struct generations *g, enum metric_kind kind, const char *name, const char *help,
                             const char *label) {
  struct buf error = {0};
  struct metric_options options = {
      .kind = kind, .name = name, .help = help, .labels = &label, .nlabels = label != NULL};
  struct metric *metric = metrics_family(g->services->metrics, &options, &error);
  buf_clear(&error);
  return metric;
}

static void open_metrics(struct generations *g) {
  g->reloads = family(g, METRIC_COUNTER, "moonledger_reloads_total",
                      "Reloads of config.lua and lua/, by result.", "result");
  g->number_metric =
      family(g, METRIC_GAUGE, "moonledger_reload_generation", "Number of the generation in force.", NULL);
  g->success_metric = family(g, METRIC_GAUGE, "moonledger_reload_last_success_timestamp_seconds",
                             "When the generation in force was loaded.", NULL);
}

static int open_scripts(struct loop *loop) {
  struct scripts *scripts = xcalloc(1, sizeof *scripts);
  scripts->loop = loop;
  scripts->ready_last = &scripts->ready;
  loop->scripts = scripts;
  int rc = uv_idle_init(&loop->uv, &scripts->turn);
  return rc < 0 ? rc : uv_timer_init(&loop->uv, &scripts->tick);
}

static void open_loader(struct generations *g) {
  loop_init(&g->loader, g->services->nloops);
  uv_timer_init(&g->loader.uv, &g->run);
  uv_timer_init(&g->loader.uv, &g->retry);
  g->watch = watch_start(&g->loader.uv, g->config_file, g->current->snapshot->signature, on_saved, g);
}

struct generations *generations_open(struct services *services, const char *config_file, struct buf *errors) {
  struct snapshot *snapshot = snapshot_read(config_file, errors);
  struct generation *fresh = snapshot != NULL ? generation_new(services, snapshot, 1, errors) : NULL;
  if (fresh == NULL)
    return NULL;
  struct generations *g = xcalloc(1, sizeof *g);
  g->services = services;
  g->started_us = clock_now_us();
  g->config_file = xstrdup(config_file);
  g->asked_last = &g->asked;
  pthread_mutex_init(&g->lock, NULL);
  open_metrics(g);
  for (unsigned i = 0; i < services->nloops; i++)
    open_scripts(&services->loops[i]);
  g->nown = snapshot->nown;
  put_in_force(g, fresh);
  open_loader(g);
  return g;
}

int generations_start(struct generations *g) {
  own_log(g->current->snapshot, g->current->config);
  return loop_start(&g->loader);
}

static void on_stop(struct message *m) {
  struct generations *g = container_of(m, struct generations, stop);
  for (struct reload *r = g->asked, *next; r != NULL; r = next) {
    next = r->next;
    answer(g, r, &(struct buf){.data = "the server stops\n", .len = 17});
  }
  g->asked = NULL;
  watch_stop(g->watch);
  uv_close((uv_handle_t *) &g->run, NULL);
  uv_close((uv_handle_t *) &g->retry, NULL);
  loop_close(&g->loader);
}

static void on_tick_closed(uv_handle_t *handle) {
  free(container_of((uv_timer_t *) handle, struct scripts, tick));
}

static void close_scripts(struct loop *loop) {
  struct scripts *scripts = loop->scripts;
  loop->scripts = NULL;
  for (struct script *script = scripts->list, *next; script != NULL; script = next) {
    next = script->next;
    script->prev = NULL;
    tasks_stop(script);
  }
  knock_stop(scripts->knock);
  uv_close((uv_handle_t *) &scripts->turn, NULL);
  uv_close((uv_handle_t *) &scripts->tick, on_tick_closed); /* the last of the two to be closed */
}

void generations_stop(struct generations *g, struct loop *loop) {
  if (loop->index == 0) {
    pthread_mutex_lock(&g->lock);
    g->stopping = true;
    pthread_mutex_unlock(&g->lock);
    timers_stop(g->current->scripts[0]);
    g->stop.receive = on_stop;
    loop_post(&g->loader, &g->stop);
  }
  close_scripts(loop);
}

void generations_close(struct generations *g) {
  loop_join(&g->loader);
  loop_clear(&g->loader);
  generation_unref(g->current);
  pthread_mutex_destroy(&g->lock);
  buf_clear(&g->failure);
  free(g->config_file);
  free(g);
}
