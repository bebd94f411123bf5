#ifndef MOONLEDGER_STORE_UPKEEP_UPGRADE_H
#define MOONLEDGER_STORE_UPKEEP_UPGRADE_H

#include "store/upkeep.h"

/* Writes a file that lacks auto_vacuum anew beside itself and puts that in its place: until the
 * rename the old one is whole, whatever happens.  Needs the lock and that nobody reads.  Nothing is
 * done where nothing is needed.  0 or UV_E with the reason appended to error. */
int upgrade_file(const char *path, struct upkeep_progress *progress, struct buf *error);

#endif
