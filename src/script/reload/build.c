#include "script/reload/build.h"

#include <stdlib.h>

#include "base/mem.h"
#include "config.h"
#include "http/router.h"
#include "script/reload/load.h"
#include "services.h"

enum { FIRST_MEMORY = 64 << 20 }; /* of config.lua, before it says how much there is */

static bool build_script(struct build *b, unsigned i, struct buf *errors) {
  struct generation *g = &b->generation;
  struct script *script = script_new(g, &b->services->loops[i], b->services, FIRST_MEMORY);
  g->scripts[i] = script;
  if (!load_script(script, b->snapshot, errors))
    return false;
  if (script->nhandlers == g->scripts[0]->nhandlers)
    return true;
  buf_literal(errors, "config.lua:1: the files give other routes each time they are loaded: nothing in them "
                      "may depend on chance\n");
  return false;
}

struct build *build_new(const struct services *services, struct snapshot *snapshot, uint64_t number,
                        struct buf *errors) {
  struct build *b = xcalloc(1, sizeof *b);
  b->services = services;
  b->snapshot = snapshot;
  b->generation.number = number;
  b->generation.scripts = xcalloc(services->nloops, sizeof *b->generation.scripts);
  atomic_init(&b->refs, 1);
  atomic_init(&b->loops, services->nloops);
  for (unsigned i = 0; i < services->nloops; i++)
    if (!build_script(b, i, errors)) {
      build_free(b);
      return NULL;
    }
  return b;
}

void build_free(struct build *b) {
  for (unsigned i = 0; i < b->services->nloops; i++)
    script_free(b->generation.scripts[i]);
  free(b->generation.scripts);
  if (b->generation.router != NULL)
    router_free(b->generation.router);
  config_free((struct config *) b->generation.config);
  snapshot_free(b->snapshot);
  free(b);
}
