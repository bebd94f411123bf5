#include "script/reload/build.h"

#include <stdlib.h>

#include "base/mem.h"
#include "http/router.h"
#include "script/engine/state.h"
#include "script/reload/load.h"
#include "script/services.h"

enum { FIRST_MEMORY = 64 << 20 }; /* of config.lua, before it says how much there is */

static bool build_script(struct build *b, struct scripts *scripts, unsigned i, struct buf *errors) {
  struct generation *g = &b->generation;
  struct scripts *own = scripts != NULL ? &scripts[i] : NULL;
  struct script *script = script_new(g, &b->services->loops[i], own, b->services, FIRST_MEMORY);
  g->scripts[i] = script;
  if (!load_script(script, b->snapshot, errors))
    return false;
  if (script->nhandlers == g->scripts[0]->nhandlers)
    return true;
  buf_literal(errors, "config.lua:1: the files give other routes each time they are "
                      "loaded: nothing in them "
                      "may depend on chance\n");
  return false;
}

struct build *build_new(const struct services *services, struct scripts *scripts,
                        struct snapshot *snapshot, uint64_t number, struct buf *errors) {
  struct build *b = xcalloc(1, sizeof *b);
  b->services = services;
  b->snapshot = snapshot;
  b->generation.site.number = number;
  b->generation.scripts = xcalloc(services->nloops, sizeof *b->generation.scripts);
  b->generation.site.handle = script_handle;
  b->generation.site.cancel = script_cancel;
  atomic_init(&b->refs, 1);
  atomic_init(&b->loops, services->nloops);
  for (unsigned i = 0; i < services->nloops; i++)
    if (!build_script(b, scripts, i, errors)) {
      build_free(b);
      return NULL;
    }
  return b;
}

void build_free(struct build *b) {
  for (unsigned i = 0; i < b->services->nloops; i++)
    script_free(b->generation.scripts[i]);
  free(b->generation.scripts);
  router_free((struct router *) b->generation.site.router);
  if (b->generation.settings != NULL)
    b->services->free_settings((struct settings *) b->generation.settings);
  snapshot_free(b->snapshot);
  free(b);
}
