#ifndef MOONLEDGER_SCRIPT_ENGINE_GENERATION_H
#define MOONLEDGER_SCRIPT_ENGINE_GENERATION_H

#include <stdatomic.h>

#include "http/site.h"
#include "loop/loop.h"
#include "script/settings.h"

struct generations;
struct script;
struct services;
struct snapshot;

/* One snapshot of config.lua and lua/, loaded on every loop, as a site that http serves.
 * Counted: requests and tasks hold the one they started with.  reload/ makes it and
 * counts. */
struct generation {
  struct site site;
  const struct settings *settings;
  struct script **scripts; /* by loop index; touch only one's own */
  void (*renew)(struct generation *g); /* asks for a fresh one of the same files; any thread */

  /* reload/'s alone */
  atomic_uint refs;
  atomic_uint loops; /* whose states still exist */
  const struct services *services;
  struct generations *owner; /* NULL: never in force */
  struct snapshot *snapshot;
  struct message activate, retire;
  int64_t replaced_ms; /* monotonic; 0: in force */
  bool expired;
  struct generation *next, **prev; /* among its owner's living ones */
};

static inline void generation_ref(struct generation *g) {
  g->site.ref(&g->site);
}

static inline void generation_unref(struct generation *g) {
  g->site.unref(&g->site);
}

#endif
