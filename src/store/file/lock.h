#ifndef MOONLEDGER_STORE_FILE_LOCK_H
#define MOONLEDGER_STORE_FILE_LOCK_H

#include "base/buf.h"

/* Takes the lock that who writes a database has, PATH-lock, until the descriptor that it returns is
 * closed; or UV_E, with the reason appended to error.  UV_EAGAIN: another has it. */
int lock_take(const char *path, struct buf *error);

#endif
