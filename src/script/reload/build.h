#ifndef MOONLEDGER_SCRIPT_RELOAD_BUILD_H
#define MOONLEDGER_SCRIPT_RELOAD_BUILD_H

#include <stdatomic.h>

#include "base/mem.h"
#include "loop/loop.h"
#include "script/engine/generation.h"
#include "script/reload/snapshot.h"

struct generations;
struct scripts;
struct services;

/* A generation and what only this folder knows of it. */
struct build {
  struct generation generation;
  atomic_uint refs;
  atomic_uint loops; /* whose states still exist */
  const struct services *services;
  struct generations *owner; /* NULL: never in force */
  struct snapshot *snapshot;
  struct message activate, retire;
  int64_t replaced_ms; /* monotonic; 0: in force */
  bool expired;
  struct build *next, **prev; /* among its owner's living ones */
};

static inline struct build *build_of(struct generation *generation) {
  return container_of(generation, struct build, generation);
}

/* Makes the states of all loops.  scripts are those that will run them, by loop index, or
 * NULL: nobody will.  Takes the snapshot over.  NULL: every mistake is in errors. */
struct build *build_new(const struct services *services, struct scripts *scripts,
                        struct snapshot *snapshot, uint64_t number, struct buf *errors);

/* Any thread; no loop uses it (any more). */
void build_free(struct build *b);

#endif
