#ifndef MOONLEDGER_SCRIPT_RELOAD_OWN_H
#define MOONLEDGER_SCRIPT_RELOAD_OWN_H

#include "base/buf.h"

struct snapshot;

/* What a folder has of files of the user's, beside those in the program: a few lines for
 * --check, some log entries at the start.  lacking are shipped routes that config.lua is
 * without, or NULL. */
void own_describe(const struct snapshot *snapshot, const char *lacking, struct buf *lines);
void own_log(const struct snapshot *snapshot, const char *lacking);

/* Beside config.lua: which shipped text `init` wrote a file with.  A line each: the 16
 * digits of its hash_for_files, a space, the name.  When the program has another text of
 * that name now, the file is older.  A line may be deleted. */
#define OWN_RECORD ".moonledger-init"

#endif
