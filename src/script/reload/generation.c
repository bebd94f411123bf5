/* One generation: how it is made, counted and ended.  reload.c says which is in force. */
#include "script/reload/generation.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "config.h"
#include "http/router.h"
#include "script/engine/state.h"
#include "script/engine/task.h"
#include "script/reload/load.h"
#include "script/reload/snapshot.h"
#include "services.h"

enum { FIRST_MEMORY = 64 << 20 }; /* of config.lua, before it says how much there is */

static bool add_script(struct generation *g, unsigned i, struct buf *errors) {
  struct script *script = script_new(g, &g->services->loops[i], g->services, FIRST_MEMORY);
  g->scripts[i] = script;
  if (!load_script(script, g->snapshot, errors))
    return false;
  if (script->nhandlers == g->scripts[0]->nhandlers)
    return true;
  buf_literal(errors, "config.lua:1: the files give other routes each time they are loaded: nothing in them "
                      "may depend on chance\n");
  return false;
}

struct generation *generation_new(const struct services *services, struct snapshot *snapshot, uint64_t number,
                                  struct buf *errors) {
  struct generation *g = xcalloc(1, sizeof *g);
  g->services = services;
  g->snapshot = snapshot;
  g->number = number;
  g->scripts = xcalloc(services->nloops, sizeof *g->scripts);
  atomic_init(&g->refs, 1);
  atomic_init(&g->loops, services->nloops);
  for (unsigned i = 0; i < services->nloops; i++)
    if (!add_script(g, i, errors)) {
      generation_free(g);
      return NULL;
    }
  return g;
}

void generation_free(struct generation *g) {
  for (unsigned i = 0; i < g->services->nloops; i++)
    script_free(g->scripts[i]);
  free(g->scripts);
  if (g->router != NULL)
    router_free(g->router);
  config_free((struct config *) g->config);
  snapshot_free(g->snapshot);
  free(g);
}

struct generation *generation_ref(struct generation *g) {
  atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
  return g;
}

bool generation_try_ref(struct generation *g) {
  unsigned refs = atomic_load(&g->refs);
  while (refs > 0 && !atomic_compare_exchange_weak(&g->refs, &refs, refs + 1)) {
  }
  return refs > 0;
}

static void on_leave(struct message *m) {
  struct script *script = container_of(m, struct script, leave);
  struct generation *g = script->generation;
  g->scripts[script->loop->index] = NULL;
  script_free(script);
  if (atomic_fetch_sub(&g->loops, 1) == 1)
    generation_free(g);
}

void generation_unref(struct generation *g) {
  if (atomic_fetch_sub(&g->refs, 1) > 1)
    return;
  generations_forget(g);
  unsigned nloops = g->services->nloops;
  for (unsigned i = 0; i < nloops; i++) {
    struct script *script = g->scripts[i];
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

void generation_expire(struct generation *g) {
  log_warn("an old generation still serves requests and has to end", log_int("generation", (int64_t) g->number));
  g->expired = true;
  for (unsigned i = 0; i < g->services->nloops; i++) {
    struct script *script = g->scripts[i];
    generation_ref(g);
    script->expire.receive = on_expire;
    loop_post(script->loop, &script->expire);
  }
}
