#ifndef MOONLEDGER_NET_HTTP_CLIENT_H
#define MOONLEDGER_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* The client of net/call.h for commands: it blocks its thread, asks one server, one request after
 * the other, and keeps the connection between them. */
struct http_client;

/* url is http://HOST[:PORT] or https://.., without a path; NULL when it is not.  Whoever is silent
 * for timeout_ms has timed out; 0: nobody does. */
struct http_client *http_client_new(const char *url, unsigned timeout_ms);
void http_client_free(struct http_client *c);

/* Sends a request and waits for the head of its response.  headers are whole lines, "name:
 * value\r\n", besides Host and Content-Length.  What is left of an earlier response is dropped.
 * false: see http_client_error. */
bool http_client_request(struct http_client *c, const char *method, const char *target,
                         const struct buf *headers, const char *body, size_t len);

int http_client_status(const struct http_client *c);

/* name NUL value NUL, one after the other, names in lower case.  The client's until the next
 * request. */
const struct buf *http_client_headers(const struct http_client *c);

/* The next piece of the response's body, which is the client's until the next call: 1; 0 at its
 * end; -1: see http_client_error. */
int http_client_read(struct http_client *c, const char **piece, size_t *len);

/* What went wrong, with host and port. */
const char *http_client_error(const struct http_client *c);

#endif
