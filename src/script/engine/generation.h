#ifndef MOONLEDGER_SCRIPT_ENGINE_GENERATION_H
#define MOONLEDGER_SCRIPT_ENGINE_GENERATION_H

#include "http/site.h"
#include "script/settings.h"

struct script;

/* One snapshot of config.lua and lua/, loaded on every loop, as a site that http serves.
 * Counted: requests and tasks hold the one they started with.  reload/ makes it and
 * counts. */
struct generation {
  struct site site;
  const struct settings *settings;
  struct script **scripts; /* by loop index; touch only one's own */
  void (*renew)(struct generation *g); /* asks for a fresh one of the same files; any thread */
};

static inline void generation_ref(struct generation *g) {
  g->site.ref(&g->site);
}

static inline void generation_unref(struct generation *g) {
  g->site.unref(&g->site);
}

#endif
