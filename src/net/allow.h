#ifndef MOONLEDGER_NET_ALLOW_H
#define MOONLEDGER_NET_ALLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Which hosts may be called.  An entry is a name ("hooks.slack.com"), all names below one
 * ("*.example.com"), an address or a network ("10.1.2.3", "10.0.0.0/8", "[::1]"), each perhaps
 * with ":PORT".  Read by any thread once it is made. */
struct allow;

struct allow *allow_new(void);
void allow_free(struct allow *allow);

/* NULL, or what is wrong with the entry. */
const char *allow_add(struct allow *allow, const char *entry);

/* Whether the host of a URL, a name or an address in lower case, may be called at all. */
bool allow_host(const struct allow *allow, const char *host, uint16_t port);

/* Whether it may be called at this address, which it resolved to.  One that only this machine or
 * its network has (loopback, RFC 1918, link-local with the metadata services of clouds, ..) must
 * be named itself: whoever owns a name's DNS may let it lead anywhere.  "localhost" names
 * loopback. */
bool allow_address(const struct allow *allow, const char *host, const struct sockaddr *address);

#endif
