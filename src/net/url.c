#include "net/url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const uint16_t default_port[] = {80, 443}; /* by url.tls */

static const char *scheme_end(const char *text, bool *tls) {
  *tls = strncasecmp(text, "https://", 8) == 0;
  if (*tls)
    return text + 8;
  return strncasecmp(text, "http://", 7) == 0 ? text + 7 : NULL;
}

static bool is_plain(const char *text) {
  for (const unsigned char *p = (const unsigned char *) text; *p != '\0'; p++)
    if (*p <= ' ' || *p >= 0x7f)
      return false;
  return true;
}

static bool is_host(const char *host, size_t len, bool bracketed) {
  for (size_t i = 0; i < len; i++)
    if (!isalnum((unsigned char) host[i]) && strchr(bracketed ? ":." : "-._", host[i]) == NULL)
      return false;
  return len > 0 && len <= HOST_MAX;
}

static bool read_port(const char *text, size_t len, uint16_t *port) {
  unsigned long n = 0;
  for (size_t i = 0; i < len; i++)
    if (!isdigit((unsigned char) text[i]) || (n = n * 10 + (unsigned long) (text[i] - '0')) > 65535)
      return false;
  if (len > 0)
    *port = (uint16_t) n;
  return len == 0 || n > 0;
}

const char *url_parse(const char *text, struct url *url) {
  const char *host = scheme_end(text, &url->tls);
  if (host == NULL)
    return "expected http:// or https://";
  if (!is_plain(text))
    return "a byte that must stand as %XX";
  const char *end = host + strcspn(host, "/?#");
  if (memchr(host, '@', (size_t) (end - host)) != NULL)
    return "a name and a password in a URL are not sent: set the header Authorization";
  bool bracketed = *host == '[';
  const char *host_end = bracketed ? memchr(host, ']', (size_t) (end - host)) : NULL;
  if (bracketed && host_end == NULL)
    return "an address without its ]";
  const char *rest = bracketed ? host_end + 1 : memchr(host, ':', (size_t) (end - host));
  if (rest == NULL)
    rest = end;
  host += bracketed;
  size_t len = (size_t) ((bracketed ? host_end : rest) - host);
  url->port = default_port[url->tls];
  if (!is_host(host, len, bracketed) || (rest < end && *rest != ':'))
    return "not a host";
  if (rest < end && !read_port(rest + 1, (size_t) (end - rest - 1), &url->port))
    return "not a port";
  for (size_t i = 0; i < len; i++)
    url->host[i] = (char) tolower((unsigned char) host[i]);
  url->host[len] = '\0';
  url->target = end;
  url->target_len = strcspn(end, "#");
  return NULL;
}

void url_authority(const struct url *url, char out[AUTHORITY_MAX]) {
  bool v6 = strchr(url->host, ':') != NULL;
  int n = snprintf(out, AUTHORITY_MAX, "%s%s%s", v6 ? "[" : "", url->host, v6 ? "]" : "");
  if (url->port != default_port[url->tls])
    snprintf(out + n, AUTHORITY_MAX - (size_t) n, ":%u", url->port);
}
