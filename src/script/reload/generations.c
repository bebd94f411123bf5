#include "script/reload/generations.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "metrics/metrics.h"
#include "script/engine/lua_timer.h"
#include "script/engine/state.h"
#include "script/engine/task.h"
#include "script/reload/load.h"
#include "script/reload/own.h"
#include "script/reload/watch.h"
#include "script/services.h"

enum { RETRY_MS = 250, OLD_MAX = 2, OLD_GRACE_MS = 10000 };

enum trigger { TRIGGER_ASKED, TRIGGER_SAVED, TRIGGER_RETRY };

/* Loading happens on a thread of its own: no loop waits for files or for Lua's compiler.
 * The states of all loops are made there, and one pointer changes when all of them are
 * whole: that is why every loop serves the same generation. */
struct generations {
  const struct services *services;
  struct scripts *scripts; /* by loop index */
  char *config_file;
  pthread_mutex_t lock;
  struct generation *current; /* under lock; its reference is the service's */
  struct generation *living;  /* under lock */
  bool stopping;         /* under lock */
  /* under lock: why the last reload was refused; empty after one that was not */
  struct buf failure;
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

static struct generation *generation_of(struct site *site) {
  return container_of(site, struct generation, site);
}

struct site *generations_current(struct generations *g) {
  pthread_mutex_lock(&g->lock);
  struct site *current = &g->current->site;
  current->ref(current);
  pthread_mutex_unlock(&g->lock);
  return current;
}

static void site_ref(struct site *site) {
  atomic_fetch_add_explicit(&generation_of(site)->refs, 1, memory_order_relaxed);
}

static void unlink_living(struct generation *gen) {
  pthread_mutex_lock(&gen->owner->lock);
  *gen->prev = gen->next;
  if (gen->next != NULL)
    gen->next->prev = gen->prev;
  pthread_mutex_unlock(&gen->owner->lock);
}

static void on_leave(struct message *m) {
  struct script *script = container_of(m, struct script, leave);
  struct generation *gen = script->generation;
  gen->scripts[script->loop->index] = NULL;
  script_free(script);
  if (atomic_fetch_sub(&gen->loops, 1) == 1)
    generation_free(gen);
}

static void site_unref(struct site *site) {
  struct generation *gen = generation_of(site);
  if (atomic_fetch_sub(&gen->refs, 1) > 1)
    return;
  unlink_living(gen);
  unsigned nloops = gen->services->nloops;
  for (unsigned i = 0; i < nloops; i++) {
    struct script *script = gen->scripts[i];
    script->leave.receive = on_leave;
    loop_post(script->loop, &script->leave);
  }
}

static void on_expire(struct message *m) {
  struct script *script = container_of(m, struct script, expire);
  for (struct task *task = script->tasks; task != NULL; task = task->next)
    task_end(task, TASK_EXPIRED);
  generation_unref(script->generation);
}

static void expire(struct generation *gen) {
  log_warn("an old generation still serves requests and has to end",
           log_int("generation", (int64_t) gen->site.number));
  gen->expired = true;
  for (unsigned i = 0; i < gen->services->nloops; i++) {
    struct script *script = gen->scripts[i];
    generation_ref(gen);
    script->expire.receive = on_expire;
    loop_post(script->loop, &script->expire);
  }
}

/* A reference, unless the last one is just being dropped. */
static bool try_ref(struct generation *gen) {
  unsigned refs = atomic_load(&gen->refs);
  while (refs > 0 && !atomic_compare_exchange_weak(&gen->refs, &refs, refs + 1)) {
  }
  return refs > 0;
}

static struct generation *find_overdue(struct generations *g) {
  int64_t now_ms = clock_monotonic_ns() / 1000000;
  unsigned old = 0;
  pthread_mutex_lock(&g->lock);
  struct generation *gen = g->living; /* newest first */
  while (gen != NULL && (gen == g->current || ++old <= OLD_MAX || gen->expired ||
                         now_ms - gen->replaced_ms < OLD_GRACE_MS || !try_ref(gen)))
    gen = gen->next;
  pthread_mutex_unlock(&g->lock);
  return gen;
}

/* More than two old ones may live for a while, until the requests they serve end by
 * themselves or have had their time. */
static void expire_old(struct generations *g) {
  for (struct generation *gen; (gen = find_overdue(g)) != NULL;) {
    expire(gen);
    generation_unref(gen);
  }
}

static void on_activate(struct message *m) {
  struct generation *gen = container_of(m, struct generation, activate);
  struct script *script = gen->scripts[0];
  if (!script->scripts->closed)
    timers_start(script);
  generation_unref(gen);
}

static void on_retire(struct message *m) {
  struct generation *gen = container_of(m, struct generation, retire);
  timers_stop(gen->scripts[0]);
  generation_unref(gen);
}

static void set_metrics(struct generations *g) {
  struct metrics *metrics = g->services->metrics;
  metric_set(metrics, g->number_metric, NULL, (double) g->number);
  metric_set(metrics, g->success_metric, NULL, (double) clock_now_us() / 1e6);
}

static void renew(struct generation *generation) {
  generations_reload(generation->owner, NULL);
}

/* false: the server stops, and gen stays the caller's. */
static bool put_in_force(struct generations *g, struct generation *gen) {
  gen->site.ref = site_ref;
  gen->site.unref = site_unref;
  gen->renew = renew;
  pthread_mutex_lock(&g->lock);
  bool stopping = g->stopping;
  struct generation *old = g->current;
  if (!stopping) {
    gen->owner = g;
    gen->next = g->living;
    gen->prev = &g->living;
    if (gen->next != NULL)
      gen->next->prev = &gen->next;
    g->living = gen;
    g->current = gen;
    if (old != NULL)
      old->replaced_ms = clock_monotonic_ns() / 1000000;
    generation_ref(gen); /* of activate */
  }
  pthread_mutex_unlock(&g->lock);
  if (stopping)
    return false;

  if (old != NULL) {
    old->retire.receive = on_retire;
    loop_post(&g->services->loops[0], &old->retire);
  }
  gen->activate.receive = on_activate;
  loop_post(&g->services->loops[0], &gen->activate);
  if (old != NULL && g->services->changed != NULL)
    g->services->changed(g->services->changed_arg);
  g->number = gen->site.number;
  set_metrics(g);
  return true;
}

static void count_reload(struct generations *g, const char *result) {
  metric_inc(g->services->metrics, g->reloads, &(struct metric_label){result, strlen(result)}, 1);
}

static bool has_own_config(const struct snapshot *snapshot) {
  const struct snapshot_file *file = snapshot_find(snapshot, "config.lua");
  return file != NULL && file->own;
}

/* What has gone, and what a running server cannot take over from the new files. */
static void name_losses(const struct generation *gen, const struct generation *old) {
  const struct buf *keys = &gen->settings->at_start;
  if (has_own_config(old->snapshot) && !has_own_config(gen->snapshot))
    log_warn("config.lua is gone: routes, alerts, budgets and all else are those of the program");
  if (keys->len > 0)
    log_warn("settings wait for a restart", log_bytes("keys", keys->data, keys->len));
  const struct snapshot_file *is = snapshot_find(gen->snapshot, "lua/schema.lua");
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

static void report_success(struct generations *g, const struct generation *gen,
                           const struct generation *old, int64_t started_ns) {
  const struct settings *settings = gen->settings;
  g->failed_hash = 0;
  count_reload(g, "success");
  log_configure(settings->log_level, settings->log_format);
  if (g->services->storage != NULL)
    storage_set_retention(g->services->storage, &settings->retention);
  log_info("reloaded", log_int("generation", (int64_t) g->number),
           log_int("routes", (int64_t) settings->nroutes),
           log_int("milliseconds", (clock_monotonic_ns() - started_ns) / 1000000));
  name_losses(gen, old);
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
  count_reload(g, "failure");
  remember_failure(g, errors);
  log_errors(errors, g->number);
}

/* What is on disk is what is in force, or what has been reported: false when there is
 * more to do. */
static bool is_known(struct generations *g, const struct snapshot *snapshot) {
  if (snapshot->hash == g->failed_hash)
    return true;
  if (snapshot->hash != g->current->snapshot->hash)
    return false;
  if (g->failure.len > 0)
    log_info("config.lua and lua/ are as they are in force again",
             log_int("generation", (int64_t) g->number));
  g->failed_hash = 0;
  remember_failure(g, NULL);
  return true;
}

/* Some programs save a file by taking the old one away first: what is built in shall not
 * serve meanwhile. */
static bool has_lost_files(struct generations *g, const struct snapshot *snapshot,
                           enum trigger trigger) {
  bool lost = trigger == TRIGGER_SAVED && snapshot->nown < g->nown;
  if (!lost)
    g->nown = snapshot->nown;
  return lost;
}

/* Takes the snapshot over.  NULL: what is in force stays, also where the new files would open up to
 * all what a token closed. */
static struct generation *load_next(struct generations *g, struct snapshot *snapshot,
                                    struct buf *errors) {
  bool gone = !has_own_config(snapshot), had_tokens = g->current->settings->site.ntokens > 0;
  struct generation *gen =
      generation_load(g->services, g->scripts, snapshot, g->number + 1, errors);
  if (gen == NULL || gen->settings->site.ntokens > 0 || !had_tokens)
    return gen;
  generation_free(gen);
  buf_printf(errors,
             "config.lua:1: tokens: %s, there would be none any more, and everyone may do "
             "everything: restart the server if that is meant\n",
             gone ? "the file is gone" : "with this file");
  return NULL;
}

static void reload_files(struct generations *g, enum trigger trigger, struct buf *errors) {
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
  struct generation *gen = snapshot != NULL ? load_next(g, snapshot, errors) : NULL;
  if (gen == NULL)
    report_failure(g, trigger, hash, errors);
  else if (!put_in_force(g, gen))
    generation_free(gen);
  else {
    remember_failure(g, NULL);
    report_success(g, gen, old, started_ns);
  }
  generation_unref(old);
  expire_old(g);
}

static void on_retry(uv_timer_t *timer) {
  struct generations *g = container_of(timer, struct generations, retry);
  struct buf errors = {0};
  reload_files(g, TRIGGER_RETRY, &errors);
  buf_clear(&errors);
}

static void on_saved(void *arg) {
  struct generations *g = arg;
  struct buf errors = {0};
  if (g->current->settings->watch)
    reload_files(g, TRIGGER_SAVED, &errors);
  buf_clear(&errors);
}

static void finish_reload(struct generations *g, struct reload *reload, const struct buf *errors) {
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
  reload_files(g, TRIGGER_ASKED, &errors);
  for (; asked != NULL; asked = next) {
    next = asked->next;
    finish_reload(g, asked, &errors);
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
    finish_reload(g, reload, &(struct buf){.data = "the server stops\n", .len = 17});
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
  status->number = g->current->site.number;
  status->started_us = g->started_us;
  buf_append(&status->errors, g->failure.data, g->failure.len);
  pthread_mutex_unlock(&g->lock);
}

static struct metric *family(struct generations *g, enum metric_kind kind,
                             const char *name, const char *help, const char *label) {
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
  g->number_metric = family(g, METRIC_GAUGE, "moonledger_reload_generation",
                            "Number of the generation in force.", NULL);
  g->success_metric = family(g, METRIC_GAUGE, "moonledger_reload_last_success_timestamp_seconds",
                             "When the generation in force was loaded.", NULL);
}

static void open_scripts(struct generations *g) {
  for (unsigned i = 0; i < g->services->nloops; i++) {
    struct scripts *scripts = &g->scripts[i];
    uv_idle_init(&scripts->loop->uv, &scripts->turn);
    uv_timer_init(&scripts->loop->uv, &scripts->tick);
  }
}

static void open_loader(struct generations *g) {
  loop_init(&g->loader, g->services->nloops);
  uv_timer_init(&g->loader.uv, &g->run);
  uv_timer_init(&g->loader.uv, &g->retry);
  g->watch = watch_start(&g->loader.uv, g->config_file, g->current->snapshot->signature,
                         on_saved, g);
}

static struct scripts *scripts_new(const struct services *services) {
  struct scripts *scripts = xcalloc(services->nloops, sizeof *scripts);
  for (unsigned i = 0; i < services->nloops; i++) {
    scripts[i].loop = &services->loops[i];
    scripts[i].ready_last = &scripts[i].ready;
  }
  return scripts;
}

struct generations *generations_open(const struct services *services,
                                     const char *config_file, struct buf *errors) {
  struct snapshot *snapshot = snapshot_read(config_file, errors);
  if (snapshot == NULL)
    return NULL;
  struct scripts *scripts = scripts_new(services);
  struct generation *gen = generation_load(services, scripts, snapshot, 1, errors);
  if (gen == NULL) {
    free(scripts);
    return NULL;
  }
  struct generations *g = xcalloc(1, sizeof *g);
  g->services = services;
  g->scripts = scripts;
  g->started_us = clock_now_us();
  g->config_file = xstrdup(config_file);
  g->asked_last = &g->asked;
  pthread_mutex_init(&g->lock, NULL);
  open_metrics(g);
  open_scripts(g);
  g->nown = snapshot->nown;
  put_in_force(g, gen);
  open_loader(g);
  return g;
}

int generations_start(struct generations *g) {
  own_log(g->current->snapshot, g->current->settings->lacking);
  return loop_start(&g->loader);
}

static void on_stop(struct message *m) {
  struct generations *g = container_of(m, struct generations, stop);
  for (struct reload *r = g->asked, *next; r != NULL; r = next) {
    next = r->next;
    finish_reload(g, r, &(struct buf){.data = "the server stops\n", .len = 17});
  }
  g->asked = NULL;
  watch_stop(g->watch);
  uv_close((uv_handle_t *) &g->run, NULL);
  uv_close((uv_handle_t *) &g->retry, NULL);
  loop_close(&g->loader);
}

static void close_scripts(struct scripts *scripts) {
  scripts->closed = true;
  for (struct script *script = scripts->list, *next; script != NULL; script = next) {
    next = script->next;
    script->prev = NULL;
    tasks_stop(script);
  }
  knock_stop(scripts->knock);
  uv_close((uv_handle_t *) &scripts->turn, NULL);
  uv_close((uv_handle_t *) &scripts->tick, NULL);
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
  close_scripts(&g->scripts[loop->index]);
}

void generations_join(struct generations *g) {
  loop_join(&g->loader);
}

void generations_close(struct generations *g) {
  loop_clear(&g->loader);
  generation_unref(g->current);
  pthread_mutex_destroy(&g->lock);
  buf_clear(&g->failure);
  free(g->config_file);
  free(g->scripts);
  free(g);
}
