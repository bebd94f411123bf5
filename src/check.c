#include "check.h"

#include <stdio.h>
#include <string.h>

#include "http/router.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "record/schema.h"
#include "room_options.h"
#include "script/bindings/bindings.h"
#include "script/kv.h"
#include "script/notes.h"
#include "script/reload/generations.h"
#include "script/services.h"

enum { FIRST_SERIES = 2000 }; /* before config.lua says how many there may be */

typedef void visit_route(const struct route *route, const char *file, const char *summary);

/* Loading as a reload does it, with services that serve nobody.  A start finds the same
 * mistakes, without lines: they are said where the reload has none, or none of config.lua, as far
 * as which it did not get. */
static bool rehearse(const struct options *options, visit_route *visit, struct buf *found,
                     struct buf *errors) {
  struct loop loop = {0};
  struct streams *streams = NULL;
  struct buf start = {0};
  struct settings_context context = {.overrides = &options->overrides};
  struct services services = {
    .loops = &loop,
    .nloops = 1,
    .streams = &streams,
    .kv = kv_new(KV_BYTES),
    .notes = notes_new(NULL),
    .bindings = bindings,
    .read_settings = settings_read,
    .push_settings_env = config_push_env,
    .free_settings = settings_free,
    .settings_arg = &context,
  };
  struct config *config = config_load(options->config, &options->overrides, &start);
  struct schema *schema = config != NULL ? config_load_schema(config, &start) : NULL;
  services.schema = schema;
  services.metrics = config != NULL ? metrics_new(config->metrics.name_space,
                                                  config->metrics.max_series)
                                    : metrics_new("", FIRST_SERIES);
  if (schema != NULL)
    metrics_declare(services.metrics, schema, &start);
  bool fine = generations_rehearse(&services, options->config, visit, found, errors) &&
              start.len == 0;
  bool told = errors->len > 0 && (context.was_read || memmem(errors->data, errors->len,
                                                              "config.lua:", 11) != NULL);
  if (!told)
    buf_append(errors, start.data, start.len);
  buf_clear(&start);
  kv_free(services.kv);
  notes_free(services.notes);
  metrics_free(services.metrics);
  schema_free(schema);
  config_free(config);
  return fine;
}

bool check_files(const struct options *options, struct buf *errors) {
  return rehearse(options, NULL, NULL, errors);
}

int check_main(const struct options *options) {
  struct buf found = {0}, errors = {0};
  bool fine = rehearse(options, NULL, &found, &errors);
  buf_complain(&errors);
  if (fine)
    printf("%s: fine\n%.*s", options->config, (int) found.len, found.data);
  buf_clear(&found);
  return fine ? 0 : 1;
}

static void print_route(const struct route *route, const char *file, const char *summary) {
  printf("%-7s %-32s %-36s %s\n", method_name(route->method), route->pattern, file, summary);
}

int check_print_routes(const struct options *options) {
  struct buf errors = {0};
  bool fine = rehearse(options, print_route, NULL, &errors);
  buf_complain(&errors);
  return fine ? 0 : 1;
}
