#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config.h"
#include "http/router.h"
#include "metrics/metrics.h"
#include "record/schema.h"
#include "script/bindings/kv.h"
#include "script/reload/build.h"
#include "script/reload/load.h"
#include "services.h"

enum { CHECK_KV_BYTES = 1 << 20, CHECK_SERIES = 2000 };

/* Loading as a reload does it, in services that serve nobody. */
struct rehearsal {
  struct services services;
  struct loop loop;
  struct config *config;
  struct schema *schema;
  struct build *build;
};

static void open_rehearsal(struct rehearsal *r, const char *config_file,
                           const struct config_overrides *overrides, struct buf *errors) {
  *r = (struct rehearsal){0};
  r->services = (struct services){.overrides = overrides, .loops = &r->loop, .nloops = 1};
  r->services.metrics = metrics_new("ccproxy", CHECK_SERIES);
  r->services.kv = kv_new(CHECK_KV_BYTES);

  struct buf start = {0};
  r->config = config_load(config_file, overrides, &start);
  r->services.schema = r->schema = r->config != NULL ? config_load_schema(r->config, &start) : NULL;
  struct snapshot *snapshot = snapshot_read(config_file, errors);
  if (snapshot != NULL)
    r->build = build_new(&r->services, snapshot, 1, errors);
  /* A build says the same, with lines, and more. */
  bool said = snapshot != NULL ? errors->len > 0
                               : start.len == 0 || memmem(errors->data, errors->len, start.data, start.len) != NULL;
  if (!said)
    buf_append(errors, start.data, start.len);
  buf_clear(&start);
}

static void close_rehearsal(struct rehearsal *r) {
  if (r->build != NULL)
    build_free(r->build);
  kv_free(r->services.kv);
  metrics_free(r->services.metrics);
  schema_free(r->schema);
  config_free(r->config);
}

bool generations_check(const char *config_file, const struct config_overrides *overrides,
                       struct buf *errors) {
  struct rehearsal r;
  size_t before = errors->len;
  open_rehearsal(&r, config_file, overrides, errors);
  close_rehearsal(&r);
  return errors->len == before;
}

static void print_route(const struct build *b, const struct route *route) {
  const struct script *script = b->generation.scripts[0];
  char *file = module_file(route->module);
  printf("%-7s %-32s %-36s %s\n", method_name(route->method), route->pattern, file,
         script->handlers[route->index].summary);
  free(file);
}

int generations_print_routes(const char *config_file, const struct config_overrides *overrides) {
  struct rehearsal r;
  struct buf errors = {0};
  open_rehearsal(&r, config_file, overrides, &errors);
  const struct router *router = r.build != NULL ? r.build->generation.router : NULL;
  for (size_t i = 0; router != NULL && i < router_count(router); i++)
    print_route(r.build, router_at(router, i));
  buf_complain(&errors);
  close_rehearsal(&r);
  return router != NULL ? 0 : 1;
}
