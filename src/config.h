#ifndef MOONLEDGER_CONFIG_H
#define MOONLEDGER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/string_list.h"

struct lua_State;
struct schema;

struct config_token {
  char *text;
  bool may_read, may_ingest, may_admin;
};

struct config_route {
  char *method, *path, *module;
};

/* config.lua, validated, every default in one place (config.c).  Sizes in bytes, times in
 * milliseconds.  What of it a room gets says room_options.h. */
struct config {
  char *file;          /* absolute path of config.lua, which need not be there */
  char *root;          /* its folder: what stands in lua/ and static/ there wins over assets.h */

  char *host;          /* listen.host, listen.port */
  uint16_t port;
  bool allow_remote_without_tokens;
  unsigned workers;    /* 0: by the number of cores */
  struct string_list hosts;   /* names besides loopback that Host may have */

  bool has_storage;
  struct {
    char *path;
    char *backups;     /* absolute; empty: none */
    bool sync;         /* durability "full" */
    size_t queue_bytes, dedupe_max_ids;
    unsigned readers, dedupe_hours, hot_days;
    int64_t query_deadline_ms;
    uint32_t sql_max_rows;
    struct { /* ages in seconds; 0: kept */
      int64_t rows_s, minute_s, hour_s, day_s, max_bytes, min_free;
    } retention;
  } storage;

  struct {
    size_t body_bytes, record_bytes, in_flight_bytes, out_bytes, request_line_bytes, header_bytes;
    unsigned header_fields, json_depth, connections, body_bytes_per_second;
    int64_t header_ms, body_ms, idle_ms, shutdown_ms;
  } limits;

  struct {
    int64_t burst_cpu_ms, total_cpu_ms, wall_ms, load_cpu_ms;
    size_t memory_bytes;
  } script;

  struct {
    uint32_t ring_events, max_subscribers;
    size_t ring_bytes;
    int64_t heartbeat_ms;
  } stream;

  struct {
    char *name_space;
    size_t max_series;
    int64_t max_age; /* seconds; 0: none */
    struct string_list labels;
  } metrics;

  struct {
    struct string_list allow; /* see net/allow.h */
    struct string_list captured; /* hosts that captures lead to, of the same form */
    char *ca_file;            /* absolute; empty: that of the system */
  } outside;

  char *price_file;    /* absolute; empty: none */
  bool price_native;

  struct config_token *tokens;
  size_t ntokens;
  struct string_list cors_origins;

  struct config_route *routes;
  size_t nroutes;
  char *lacking;       /* shipped routes that these are without: "GET /docs, ..."; NULL: none */

  enum log_level log_level;
  enum log_format log_format;
  bool dev;            /* tracebacks in responses */
  bool watch;          /* reload when a file changes */
};

/* Flags of the command line: they win over config.lua.  NULL or 0: not given. */
struct config_overrides {
  const char *host;     /* of --listen, host_len bytes */
  size_t host_len;
  uint16_t port;        /* counts where there is a host */
  const char *database;
  const char *data;     /* folder in which a relative storage.path of config.lua begins */
  unsigned workers;
};

/* Reads config.lua's table at the top of L's stack, fills its defaults into that table,
 * so that scripts see the settings in force, and leaves it there.  NULL when it is wrong:
 * every mistake is appended to errors, a line each, naming the key and what was expected.
 * file is config.lua's absolute path; overrides may be NULL. */
struct config *config_read(struct lua_State *L, const char *file,
                           const struct config_overrides *overrides, struct buf *errors);

/* Replaces the globals at the top of L's stack by the ones that config.lua runs with,
 * where `defaults` stands too. */
void config_push_env(struct lua_State *L);

/* Runs config.lua, or the one in the program where there is none, in a state of its own
 * and reads it. */
struct config *config_load(const char *file, const struct config_overrides *overrides,
                           struct buf *errors);
void config_free(struct config *config);

/* The same with the lua/schema.lua beside config.lua, which it compiles; the caller's to
 * free.  NULL: see errors. */
struct schema *config_load_schema(const struct config *config, struct buf *errors);

/* Appends the keys whose values differ and that a running server cannot take over,
 * separated by ", ". */
void config_restart_keys(const struct config *running, const struct config *wanted,
                         struct buf *out);

#endif
