#ifndef MOONLEDGER_SCRIPT_ENGINE_COLLECT_H
#define MOONLEDGER_SCRIPT_ENGINE_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script;
struct scripts;

/* Full collections of a state, in slices between the tasks of its loop.  When one has
 * told what is garbage, the tasks that waited for it go on; if the state is still short
 * of memory, the one that grew most is ended. */
void collect_begin(struct script *script);

/* A slice; false: there was nothing to do. */
bool collect_until(struct scripts *scripts, int64_t until_ns);

/* Bytes of ours that live until the collector finds their userdata, and that it does not
 * see: each few MiB of them begin a collection.  Results of queries would pile up to 60
 * times their size. */
void collect_note_external(struct script *script, size_t bytes);

#endif
