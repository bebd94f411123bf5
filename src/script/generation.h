#ifndef MOONLEDGER_SCRIPT_GENERATION_H
#define MOONLEDGER_SCRIPT_GENERATION_H

#include <stdint.h>

#include "base/buf.h"
#include "loop.h"

struct config;
struct generations; /* the shared service: which code is current */
struct router;
struct script;
struct services;

/* One snapshot of config.lua and lua/, loaded on every loop.  Counted: requests hold the one they started with. */
struct generation {
  uint64_t number;
  const struct config *config; /* what may change live is read from here */
  struct router *router;
  struct script **scripts;     /* per loop; touch only one's own */
};

struct generation *generation_current(struct generations *g);  /* a reference; any thread */
struct generation *generation_ref(struct generation *g);
void generation_unref(struct generation *g);

/* At start, before loops run: loads config.lua and lua/ from the files.  NULL: every error is in errors, as "file:line: what, what to do". */
struct generations *generations_open(struct services *services, const char *config_file, struct buf *errors);
void generations_close(struct generations *g);

/* Asks for a reload; requests made meanwhile collapse into one run after it.  done (or NULL) is posted to loop when it is over. */
struct reload {
  struct message done;
  struct loop *loop;
  uint64_t number;   /* of the generation in force afterwards */
  struct buf errors; /* empty: it went well */
};
void generations_reload(struct generations *g, struct reload *reload);

#endif
