#ifndef MOONLEDGER_SCRIPT_SETTINGS_H
#define MOONLEDGER_SCRIPT_SETTINGS_H

#include "base/buf.h"
#include "base/log.h"
#include "http/site.h"
#include "net/net.h"
#include "record/ndjson.h"
#include "store/storage.h"

/* One of config.lua's routes. */
struct route_entry {
  const char *method, *path, *module;
};

/* What this room takes of config.lua, validated, for the life of a generation.  Made by
 * whoever knows that file (services.h, read_settings). */
struct settings {
  struct site_options site;
  struct record_limits record;
  struct {
    int64_t burst_cpu_ms, total_cpu_ms, wall_ms, load_cpu_ms;
    size_t memory_bytes; /* of one loop's scripts */
  } script;
  struct outside outside; /* what scripts may call */
  const struct route_entry *routes;
  size_t nroutes;
  const char *lacking;    /* shipped routes that these are without: "GET /docs, ..."; NULL: none */
  const char *price_file; /* absolute; empty: none */
  bool price_native; /* native records too */
  struct retention retention;
  enum log_level log_level;
  enum log_format log_format;
  bool dev;               /* tracebacks in responses */
  bool watch;             /* reload when a file changes */
  /* keys that differ from those the server runs with and wait for a restart: "a, b" */
  struct buf at_start;
};

#endif
