#ifndef MOONLEDGER_SCRIPT_RELOAD_GENERATION_H
#define MOONLEDGER_SCRIPT_RELOAD_GENERATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "loop/loop.h"

struct config;
struct config_overrides;
struct generations; /* the shared service: which code is current */
struct router;
struct script;
struct services;
struct snapshot;

/* One snapshot of config.lua and lua/, loaded on every loop.  Counted: requests hold the one they started
 * with. */
struct generation {
  uint64_t number;
  const struct config *config; /* what may change live is read from here */
  struct router *router;
  struct script **scripts; /* per loop; touch only one's own */

  /* private to script/reload */
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

struct generation *generation_current(struct generations *g); /* a reference; any thread */
struct generation *generation_ref(struct generation *g);
void generation_unref(struct generation *g);

/* Makes the states of all loops.  Takes the snapshot over.  NULL: every mistake is in errors. */
struct generation *generation_new(const struct services *services, struct snapshot *snapshot, uint64_t number,
                                  struct buf *errors);
void generation_free(struct generation *g); /* no loop uses it (any more); any thread */
bool generation_try_ref(struct generation *g); /* a reference, unless the last one is just being dropped */
void generation_expire(struct generation *g);  /* ends what it still serves */
void generations_forget(struct generation *g); /* its owner does; the last reference is gone */

/* At start, before loops run: loads config.lua and lua/ from the files.  NULL: every error is in errors, as
 * "file:line: what, what to do". */
struct generations *generations_open(struct services *services, const char *config_file, struct buf *errors);

/* Starts the thread that reloads; what is asked for before waits for it.  0 or UV_E. */
int generations_start(struct generations *g);

/* On each loop's thread, once no request is in hand there: closes its timers, on loop 0 the file watcher too.
 * No reload starts afterwards. */
void generations_stop(struct generations *g, struct loop *loop);

/* After all loops have ended. */
void generations_close(struct generations *g);

/* --check: loads everything as a reload would, without touching a running server; true when errors stays
 * empty, and then found (unless it is NULL) has lines about the files in force. */
bool generations_check(const char *config_file, const struct config_overrides *overrides, struct buf *found,
                       struct buf *errors);
int generations_print_routes(const char *config_file,
                             const struct config_overrides *overrides); /* an exit code */

/* Asks for a reload; requests made meanwhile collapse into one run after it.  done (or NULL) is posted to
 * loop when it is over. */
struct reload {
  struct message done;
  struct loop *loop;
  uint64_t number;   /* of the generation in force afterwards */
  struct buf errors; /* empty: it went well */

  struct message ask; /* private */
  struct generations *generations;
  struct reload *next;
};
void generations_reload(struct generations *g, struct reload *reload);

struct generations_status {
  uint64_t number;    /* of the generation in force */
  int64_t started_us; /* unix time of the server's start */
  struct buf errors;  /* lines: why the newest files are not in force; the caller's to clear */
};
void generations_status(struct generations *g, struct generations_status *status); /* any thread */

#endif
