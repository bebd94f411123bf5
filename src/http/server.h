#ifndef MOONLEDGER_HTTP_SERVER_H
#define MOONLEDGER_HTTP_SERVER_H

#include <stdint.h>

struct server;   /* the listening socket; loop 0's thread */
struct services;

/* Listens and hands each accepted socket to the loop with the fewest connections.  0 or a UV_E code; *port is
 * the one in use. */
int server_listen(struct server **server, const struct services *services, const char *host, uint16_t port,
                  uint16_t *bound);

/* Stops accepting; frees itself when the handle is closed. */
void server_close(struct server *server);

#endif
