#include <stdlib.h>

#include "http/router.h"
#include "script/engine/state.h"
#include "script/reload/generations.h"
#include "script/reload/load.h"
#include "script/reload/own.h"
#include "script/reload/require.h"

typedef void visit_route(const struct route *route, const char *file, const char *summary);

static void visit_routes(const struct generation *gen, visit_route *visit) {
  const struct router *router = gen->site.router;
  const struct script *script = gen->scripts[0];
  for (size_t i = 0; i < router_count(router); i++) {
    const struct route *route = router_at(router, i);
    char *file = require_file(route->module);
    visit(route, file, script->handlers[route->index].summary);
    free(file);
  }
}

bool generations_rehearse(const struct services *services, const char *config_file,
                          visit_route *visit, struct buf *found, struct buf *errors) {
  struct snapshot *snapshot = snapshot_read(config_file, errors);
  if (snapshot == NULL)
    return false;
  struct generation *gen = generation_load(services, NULL, snapshot, 1, errors);
  if (gen == NULL)
    return false;
  if (visit != NULL)
    visit_routes(gen, visit);
  if (found != NULL)
    own_describe(gen->snapshot, gen->settings->lacking, found);
  generation_free(gen);
  return true;
}
