#ifndef MOONLEDGER_SCRIPT_RELOAD_LOAD_H
#define MOONLEDGER_SCRIPT_RELOAD_LOAD_H

#include "script/engine/generation.h"
#include "script/reload/snapshot.h"

struct scripts;

/* Makes a generation from the bytes of a snapshot, which it takes over: the states of all
 * loops, on any thread, as long as no loop has them.  scripts are those that will run
 * them, by loop index, or NULL: nobody will.  NULL: every mistake that was found stands in
 * errors, a line "file:line: what, what to do" each. */
struct generation *generation_load(const struct services *services, struct scripts *scripts,
                                   struct snapshot *snapshot, uint64_t number,
                                   struct buf *errors);

/* Any thread; no loop uses it (any more). */
void generation_free(struct generation *g);

#endif
