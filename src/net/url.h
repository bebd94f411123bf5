#ifndef MOONLEDGER_NET_URL_H
#define MOONLEDGER_NET_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOST_MAX = 253 };

/* http(s)://HOST[:PORT][/PATH][?QUERY] (RFC 3986); a fragment is left out. */
struct url {
  bool tls;
  char host[HOST_MAX + 1]; /* in lower case; an IPv6 address without its brackets */
  uint16_t port;
  const char *target; /* "/path?query", or "?query", or empty; into the text */
  size_t target_len;
};

/* NULL, or what is wrong with text. */
const char *url_parse(const char *text, struct url *url);

/* "host", "host:8080", "[::1]:8080", without the port that its scheme has anyway. */
enum { AUTHORITY_MAX = HOST_MAX + sizeof "[]:65535" };
void url_authority(const struct url *url, char out[AUTHORITY_MAX]);

#endif
