#ifndef MOONLEDGER_HTTP_SERVER_H
#define MOONLEDGER_HTTP_SERVER_H

#include <stdint.h>

#include "http/site.h"

struct loop;
struct metrics;
struct server; /* the listening socket, and the connections of every loop */

struct server_options {
  struct loop *loops; /* the server's sockets are spread over them */
  unsigned nloops;
  struct metrics *metrics;
  unsigned max_connections;
  struct http_limits limits; /* until the first request has come */
  /* a reference to the one in force; called on any loop's thread */
  struct site *(*site)(void *arg);
  void *arg;
};

/* Before the loops run. */
struct server *server_new(const struct server_options *options);

/* Listens and hands each accepted socket to the loop with the fewest connections.  0 or a
 * UV_E code; *port is the one in use. */
int server_listen(struct server *server, const char *host, uint16_t port, uint16_t *bound);

/* Any thread, when another site is in force: streams end whose token it does not know. */
void server_site_changed(struct server *server);

/* Loop 0's thread: accepts no more. */
void server_close(struct server *server);

/* Graceful stop of one loop's connections, on its thread: idle ones close, requests in
 * hand finish, then done is called once.  After limits.shutdown_ms the rest is closed. */
void server_drain(struct server *server, struct loop *loop,
                  void (*done)(struct loop *loop, void *arg), void *arg);

/* After all loops have ended. */
void server_free(struct server *server);

#endif
