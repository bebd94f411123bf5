#include "room_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"
#include "net/allow.h"

unsigned workers_of(const struct config *c) {
  unsigned cores = uv_available_parallelism();
  if (c->workers > 0)
    return c->workers;
  if (cores <= 2)
    return 1;
  return cores - 2 < 16 ? cores - 2 : 16;
}

struct http_limits http_limits_of(const struct config *c) {
  return (struct http_limits){
    .body_bytes = c->limits.body_bytes,
    .in_flight_bytes = c->limits.in_flight_bytes,
    .out_bytes = c->limits.out_bytes,
    .request_line_bytes = c->limits.request_line_bytes,
    .header_bytes = c->limits.header_bytes,
    .header_fields = c->limits.header_fields,
    .body_bytes_per_second = c->limits.body_bytes_per_second,
    .header_ms = c->limits.header_ms,
    .body_ms = c->limits.body_ms,
    .idle_ms = c->limits.idle_ms,
    .shutdown_ms = c->limits.shutdown_ms,
  };
}

struct hub_options hub_options_of(const struct config *c) {
  return (struct hub_options){
    .ring_events = c->stream.ring_events,
    .ring_bytes = c->stream.ring_bytes,
    .max_subscribers = c->stream.max_subscribers,
    .heartbeat_ms = c->stream.heartbeat_ms,
  };
}

/* Descriptors that no connection gets, beside the store's: a loop wakes up by some; the rest is for
 * files that are served, for reloading and for accepting. */
enum { KEPT = 24, KEPT_PER_LOOP = 8 };

unsigned max_connections_of(const struct config *c, unsigned nloops) {
  size_t wanted = c->limits.connections, kept = KEPT + nloops * KEPT_PER_LOOP;
  struct rlimit files;
  if (c->has_storage)
    kept += storage_descriptors(c->storage.readers);
  if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= wanted + kept)
    return (unsigned) wanted;
  size_t most = files.rlim_cur > kept ? files.rlim_cur - kept : 1;
  log_warn("limits.connections is more than the limit of open files allows: raise that "
           "(ulimit -n, LimitNOFILE=)",
           log_int("wanted", (int64_t) wanted), log_int("connections", (int64_t) most),
           log_int("open_files", (int64_t) files.rlim_cur));
  return (unsigned) most;
}

static struct retention retention_of(const struct config *c) {
  return (struct retention){
      .rows_s = c->storage.retention.rows_s,
      .tiers_s = {[TIER_MINUTE] = c->storage.retention.minute_s,
                  [TIER_HOUR] = c->storage.retention.hour_s,
                  [TIER_DAY] = c->storage.retention.day_s},
      .max_bytes = c->storage.retention.max_bytes,
      .min_free = c->storage.retention.min_free,
  };
}

struct storage_options storage_options_of(const struct config *c, unsigned nloops) {
  return (struct storage_options){
    .path = c->storage.path,
    .durability = c->storage.sync ? DURABILITY_FULL : DURABILITY_NORMAL,
    .queue_bytes = c->storage.queue_bytes,
    .readers = c->storage.readers,
    .query_deadline_ms = c->storage.query_deadline_ms,
    .sql_max_rows = c->storage.sql_max_rows,
    .dedupe_hours = c->storage.dedupe_hours,
    .dedupe_max_ids = c->storage.dedupe_max_ids,
    .hot_days = c->storage.hot_days,
    .nloops = nloops,
    .retention = retention_of(c),
  };
}

/* The settings, and what they point to. */
struct owned_settings {
  struct settings settings;
  struct config *config;
  struct token *tokens;
  struct route_entry *routes;
  struct allow *allow;
  struct buf static_folder;
};

static struct token *tokens_of(const struct config *c) {
  struct token *tokens = xcalloc(c->ntokens + 1, sizeof *tokens);
  for (size_t i = 0; i < c->ntokens; i++) {
    const struct config_token *from = &c->tokens[i];
    tokens[i].text = from->text;
    tokens[i].scopes = (uint8_t) (from->may_read << SCOPE_READ | from->may_ingest << SCOPE_INGEST |
                                  from->may_admin << SCOPE_ADMIN);
  }
  return tokens;
}

static struct route_entry *routes_of(const struct config *c) {
  struct route_entry *routes = xcalloc(c->nroutes + 1, sizeof *routes);
  for (size_t i = 0; i < c->nroutes; i++)
    routes[i] = (struct route_entry){c->routes[i].method, c->routes[i].path, c->routes[i].module};
  return routes;
}

static struct allow *allow_of(const struct config *c) {
  struct allow *allow = allow_new();
  for (size_t i = 0; i < c->outside.allow.count; i++)
    allow_add(allow, c->outside.allow.items[i]);
  for (size_t i = 0; i < c->outside.captured.count; i++)
    allow_add(allow, c->outside.captured.items[i]);
  return allow;
}

static struct settings *settings_new(struct config *c) {
  struct owned_settings *own = xcalloc(1, sizeof *own);
  own->config = c;
  own->tokens = tokens_of(c);
  own->routes = routes_of(c);
  own->allow = allow_of(c);
  buf_printf(&own->static_folder, "%s/static", c->root);
  buf_putc(&own->static_folder, '\0');
  own->settings = (struct settings){
      .site =
          {
              .limits = http_limits_of(c),
              .host = c->host,
              .hosts = c->hosts,
              .cors_origins = c->cors_origins,
              .tokens = own->tokens,
              .ntokens = c->ntokens,
              .static_folder = own->static_folder.data,
          },
      .record = {.record_bytes = c->limits.record_bytes, .depth = c->limits.json_depth},
      .script = {c->script.burst_cpu_ms, c->script.total_cpu_ms, c->script.wall_ms,
                 c->script.load_cpu_ms, c->script.memory_bytes},
      .outside = {.allow = own->allow, .ca_file = c->outside.ca_file},
      .routes = own->routes,
      .nroutes = c->nroutes,
      .lacking = c->lacking,
      .price_file = c->price_file,
      .price_native = c->price_native,
      .retention = retention_of(c),
      .log_level = c->log_level,
      .log_format = c->log_format,
      .dev = c->dev,
      .watch = c->watch,
  };
  return &own->settings;
}

/* Files that are read when they are needed, and that a server does without. */
static void check_named(const char *key, const char *path, struct buf *errors) {
  if (*path != '\0' && access(path, R_OK) < 0)
    buf_printf(errors, "config.lua: %s: %s: %s\n", key, path, strerror(errno));
}

struct settings *settings_read(void *arg, struct lua_State *L, const char *file,
                               struct buf *errors) {
  struct settings_context *context = arg;
  context->was_read = true;
  struct config *config = config_read(L, file, context->overrides, errors);
  if (config == NULL)
    return NULL;
  struct settings *settings = settings_new(config);
  if (context->running != NULL) {
    config_restart_keys(context->running, config, &settings->at_start);
  } else {
    check_named("pricing.file", config->price_file, errors);
    check_named("outside.ca_file", config->outside.ca_file, errors);
  }
  return settings;
}

void settings_free(struct settings *settings) {
  struct owned_settings *own = container_of(settings, struct owned_settings, settings);
  config_free(own->config);
  free(own->tokens);
  free(own->routes);
  allow_free(own->allow);
  buf_clear(&own->static_folder);
  buf_clear(&own->settings.at_start);
  free(own);
}
