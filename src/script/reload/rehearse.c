#include <stdlib.h>

#include "http/router.h"
#include "script/engine/state.h"
#include "script/reload/build.h"
#include "script/reload/generations.h"
#include "script/reload/load.h"
#include "script/reload/own.h"

typedef void visit_route(const struct route *route, const char *file, const char *summary);

static void visit_routes(const struct build *b, visit_route *visit) {
  const struct router *router = b->generation.site.router;
  const struct script *script = b->generation.scripts[0];
  for (size_t i = 0; i < router_count(router); i++) {
    const struct route *route = router_at(router, i);
    char *file = module_file(route->module);
    visit(route, file, script->handlers[route->index].summary);
    free(file);
  }
}

bool generations_rehearse(const struct services *services, const char *config_file,
                          visit_route *visit, struct buf *found, struct buf *errors) {
  struct snapshot *snapshot = snapshot_read(config_file, errors);
  struct build *b = snapshot != NULL ? build_new(services, NULL, snapshot, 1, errors) : NULL;
  if (b == NULL)
    return false;
  if (visit != NULL)
    visit_routes(b, visit);
  if (found != NULL)
    own_describe(b->snapshot, b->generation.settings->lacking, found);
  build_free(b);
  return true;
}
