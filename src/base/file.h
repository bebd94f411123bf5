#ifndef MOONLEDGER_BASE_FILE_H
#define MOONLEDGER_BASE_FILE_H

#include "base/buf.h"

/* Appends the bytes of a file.  size is what it had a moment ago, after which no more is
 * asked for, or 0: all there is. NULL, or why it cannot be read (text may hold a part
 * then): errno's words, or that it has more than most bytes. */
const char *file_read_all(const char *path, size_t size, size_t most, struct buf *text);

/* The absolute path of a file, links resolved, whether it is there or not; the caller's
 * to free.  NULL: see errno. */
char *file_path(const char *file);

#endif
