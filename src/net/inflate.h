#ifndef MOONLEDGER_NET_INFLATE_H
#define MOONLEDGER_NET_INFLATE_H

#include <stdbool.h>

#include "base/buf.h"

/* Makes of a gzip or deflate body, piece by piece, what it was (RFC 9110, 8.4.1). */
struct inflater;

/* coding: a Content-Encoding.  NULL: it is neither. */
struct inflater *inflater_new(const char *coding);
void inflater_free(struct inflater *i);

/* Takes bytes of data, at most len, and appends at most about `most` to out.  *used: how many were
 * taken.  false: it is not what that coding makes.  Joined gzip members are one body (RFC 1952,
 * 2.2). */
bool inflater_take(struct inflater *i, const char *data, size_t len, size_t *used, struct buf *out,
                   size_t most);

/* Whether the body may end here. */
bool inflater_is_done(const struct inflater *i);

#endif
