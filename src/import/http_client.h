#ifndef MOONLEDGER_IMPORT_HTTP_CLIENT_H
#define MOONLEDGER_IMPORT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* One request at a time to a server of ours, blocking, on a connection each. */
struct http_client {
  char *host, *port;
  const char *token; /* NULL: none */
};

/* url is http://HOST:PORT, without a path.  false when it is none. */
bool http_client_init(struct http_client *client, const char *url, const char *token);
void http_client_clear(struct http_client *client);

/* POSTs body as application/x-ndjson.  The status, with the answer's body in answer; or a negative UV_E.. */
int http_client_post(const struct http_client *client, const char *target, const char *body, size_t len,
                     struct buf *answer);

#endif
