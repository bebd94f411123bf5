#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config.h"
#include "http/router.h"
#include "metrics/metrics.h"
#include "record/schema.h"
#include "script/bindings/kv.h"
#include "script/reload/generation.h"
#include "script/reload/load.h"
#include "script/reload/own.h"
#include "script/reload/snapshot.h"
#include "services.h"

enum { FIRST_SERIES = 2000 }; /* before config.lua says how many there may be */

/* Loading as a reload does it, in services that serve nobody. */
struct rehearsal {
  struct services services;
  struct loop loop;
  struct config *config;
  struct schema *schema;
  struct generation *generation;
};

static void open_rehearsal(struct rehearsal *r, const char *config_file,
                           const struct config_overrides *overrides, struct buf *errors) {
  struct buf start = {0};
  *r = (struct rehearsal){0};
  r->services = (struct services){.overrides = overrides, .loops = &r->loop, .nloops = 1};
  r->services.kv = kv_new(KV_BYTES);
  r->config = config_load(config_file, overrides, &start);
  r->services.schema = r->schema = r->config != NULL ? config_load_schema(r->config, &start) : NULL;
  r->services.metrics = r->config != NULL
                            ? metrics_new(r->config->metrics.name_space, r->config->metrics.max_series)
                            : metrics_new("", FIRST_SERIES);
  if (r->schema != NULL)
    metrics_declare(r->services.metrics, r->schema, &start);
  struct snapshot *snapshot = snapshot_read(config_file, errors);
  if (snapshot != NULL)
    r->generation = generation_new(&r->services, snapshot, 1, errors);
  /* The load says the same, with lines, and more. */
  bool said = snapshot != NULL ? errors->len > 0
                               : start.len == 0 || memmem(errors->data, errors->len, start.data, start.len) != NULL;
  if (!said)
    buf_append(errors, start.data, start.len);
  buf_clear(&start);
}

static void close_rehearsal(struct rehearsal *r) {
  if (r->generation != NULL)
    generation_free(r->generation);
  kv_free(r->services.kv);
  metrics_free(r->services.metrics);
  schema_free(r->schema);
  config_free(r->config);
}

bool generations_check(const char *config_file, const struct config_overrides *overrides, struct buf *found,
                       struct buf *errors) {
  struct rehearsal r;
  size_t before = errors->len;
  open_rehearsal(&r, config_file, overrides, errors);
  if (errors->len == before && found != NULL)
    own_describe(r.generation->snapshot, r.generation->config, found);
  close_rehearsal(&r);
  return errors->len == before;
}

static void print_route(const struct generation *g, const struct route *route) {
  const struct script *script = g->scripts[0];
  char *file = module_file(route->module);
  printf("%-7s %-32s %-36s %s\n", method_name(route->method), route->pattern, file,
         script->handlers[route->index].summary);
  free(file);
}

int generations_print_routes(const char *config_file, const struct config_overrides *overrides) {
  struct rehearsal r;
  struct buf errors = {0};
  open_rehearsal(&r, config_file, overrides, &errors);
  const struct router *router = r.generation != NULL ? r.generation->router : NULL;
  for (size_t i = 0; router != NULL && i < router_count(router); i++)
    print_route(r.generation, router_at(router, i));
  buf_complain(&errors);
  close_rehearsal(&r);
  return router != NULL ? 0 : 1;
}
