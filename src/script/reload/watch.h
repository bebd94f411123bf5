#ifndef MOONLEDGER_SCRIPT_RELOAD_WATCH_H
#define MOONLEDGER_SCRIPT_RELOAD_WATCH_H

#include <stdint.h>
#include <uv.h>

struct watch; /* of config.lua and lua/; the thread of its loop */

/* Calls changed(arg) soon after files were saved, however an editor does it: folders are
 * watched, not files, for a rename ends the watch of a file; events within 60 ms of each
 * other count as one, and a look every 2 s finds what the system did not tell (network
 * folders, lost events).  signature is of the snapshot in force. */
struct watch *watch_start(uv_loop_t *loop, const char *config_file, uint64_t signature,
                          void (*changed)(void *arg), void *arg);
void watch_stop(struct watch *w); /* frees itself once its handles are closed */

#endif
