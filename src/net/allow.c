#include "net/allow.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/url.h"

/* Addresses are IPv6 here; an IPv4 one is mapped (RFC 4291, 2.5.5.2). */
struct network {
  uint8_t bytes[16];
  unsigned bits;
};

struct entry {
  char name[HOST_MAX + 1]; /* empty: a network */
  bool below;              /* all names that end in "." and name */
  struct network network;
  uint16_t port; /* 0: any */
};

struct allow {
  struct entry *entries;
  size_t count;
};

struct allow *allow_new(void) {
  return xcalloc(1, sizeof(struct allow));
}

void allow_free(struct allow *allow) {
  if (allow == NULL)
    return;
  free(allow->entries);
  free(allow);
}

static void map_v4(const void *v4, uint8_t out[16]) {
  static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
  memcpy(out, prefix, sizeof prefix);
  memcpy(out + sizeof prefix, v4, 4);
}

/* The bits of the text's family; 0: it is no address. */
static unsigned read_address(const char *text, uint8_t out[16]) {
  struct in_addr v4;
  if (inet_pton(AF_INET, text, &v4) == 1) {
    map_v4(&v4, out);
    return 32;
  }
  return inet_pton(AF_INET6, text, out) == 1 ? 128 : 0;
}

static bool is_within(const uint8_t address[16], const struct network *n) {
  unsigned whole = n->bits / 8, rest = n->bits % 8;
  return memcmp(address, n->bytes, whole) == 0 &&
         (rest == 0 || (address[whole] ^ n->bytes[whole]) >> (8 - rest) == 0);
}

static void bytes_of(const struct sockaddr *address, uint8_t out[16]) {
  if (address->sa_family == AF_INET)
    map_v4(&((const struct sockaddr_in *) address)->sin_addr, out);
  else
    memcpy(out, &((const struct sockaddr_in6 *) address)->sin6_addr, 16);
}

static uint16_t port_of(const struct sockaddr *address) {
  return ntohs(address->sa_family == AF_INET ? ((const struct sockaddr_in *) address)->sin_port
                                             : ((const struct sockaddr_in6 *) address)->sin6_port);
}

#define V4(a, b, c, d, bits)                                                                       \
  { {[10] = 0xff, 0xff, a, b, c, d}, 96 + (bits) }

/* IANA's special-purpose registries (RFC 6890), multicast, and what an IPv4 address is embedded
 * in that nobody needs to call so.  Of IPv6, what is no global unicast (RFC 4291, 2.4) beside. */
static const struct network special[] = {
    V4(0, 0, 0, 0, 8),
    V4(10, 0, 0, 0, 8),
    V4(100, 64, 0, 0, 10),
    V4(127, 0, 0, 0, 8),
    V4(169, 254, 0, 0, 16),
    V4(172, 16, 0, 0, 12),
    V4(192, 0, 0, 0, 24),
    V4(192, 0, 2, 0, 24),
    V4(192, 168, 0, 0, 16),
    V4(198, 18, 0, 0, 15),
    V4(198, 51, 100, 0, 24),
    V4(203, 0, 113, 0, 24),
    V4(224, 0, 0, 0, 3),
    {{0x20, 0x02}, 16},             /* 6to4 */
    {{0x20, 0x01, 0x00, 0x00}, 32}, /* Teredo */
};

static bool is_special(const uint8_t address[16]) {
  static const struct network v4 = V4(0, 0, 0, 0, 0), global = {{0x20}, 3};
  for (size_t i = 0; i < sizeof special / sizeof *special; i++)
    if (is_within(address, &special[i]))
      return true;
  return !is_within(address, &v4) && !is_within(address, &global);
}

static bool is_loopback(const uint8_t address[16]) {
  static const struct network v4 = V4(127, 0, 0, 0, 8), v6 = {{[15] = 1}, 128};
  return is_within(address, &v4) || is_within(address, &v6);
}

static bool read_number(const char *text, unsigned most, unsigned *n) {
  char *end;
  unsigned long value = strtoul(text, &end, 10);
  *n = (unsigned) value;
  return isdigit((unsigned char) *text) && *end == '\0' && value <= most;
}

/* Cuts ":PORT" off text, and the brackets of an IPv6 address. */
static const char *take_port(char *text, struct entry *e) {
  char *colon = strrchr(text, ':'), *bracket = *text == '[' ? strchr(text, ']') : NULL;
  unsigned port;
  if (*text == '[' && bracket == NULL)
    return "an address without its ]";
  if (colon != NULL && colon == (bracket != NULL ? bracket + 1 : strchr(text, ':'))) {
    if (!read_number(colon + 1, 65535, &port) || port == 0)
      return "not a port";
    e->port = (uint16_t) port;
    *colon = '\0';
  }
  if (bracket != NULL) {
    if (bracket[1] != '\0')
      return "something behind the ]";
    *bracket = '\0';
    memmove(text, text + 1, strlen(text));
  }
  return NULL;
}

static const char *read_network(char *text, struct entry *e) {
  char *slash = strchr(text, '/');
  unsigned bits, wanted;
  if (slash != NULL)
    *slash = '\0';
  bits = wanted = read_address(text, e->network.bytes);
  if (bits == 0)
    return "";
  if (slash != NULL && !read_number(slash + 1, bits, &wanted))
    return "not the length of a network";
  e->network.bits = 128 - bits + wanted;
  return NULL;
}

static const char no_name[] =
    "expected a name such as api.example.com or *.example.com, without http://";

static const char *read_name(const char *text, struct entry *e) {
  e->below = strncmp(text, "*.", 2) == 0;
  text += e->below ? 2 : 0;
  size_t len = strlen(text);
  if (len == 0 || len > HOST_MAX)
    return "expected a name, an address or a network";
  for (size_t i = 0; i < len; i++) {
    if (!isalnum((unsigned char) text[i]) && strchr("-._", text[i]) == NULL)
      return no_name;
    e->name[i] = (char) tolower((unsigned char) text[i]);
  }
  return NULL;
}

const char *allow_add(struct allow *allow, const char *text) {
  struct entry e = {0};
  char copy[HOST_MAX + 32];
  if (strlen(text) >= sizeof copy)
    return "it is too long";
  if (strstr(text, "://") != NULL)
    return no_name;
  strcpy(copy, text);
  const char *why = take_port(copy, &e);
  if (why == NULL) {
    why = read_network(copy, &e);
    if (why != NULL && *why == '\0')
      why = read_name(copy, &e);
  }
  if (why != NULL)
    return why;
  allow->entries = xrealloc(allow->entries, (allow->count + 1) * sizeof e);
  allow->entries[allow->count++] = e;
  return NULL;
}

static bool is_below(const char *host, const char *name) {
  size_t len = strlen(host), n = strlen(name);
  return len > n + 1 && host[len - n - 1] == '.' && strcmp(host + len - n, name) == 0;
}

static bool names(const struct allow *allow, const uint8_t address[16], uint16_t port) {
  for (const struct entry *e = allow->entries; e < allow->entries + allow->count; e++)
    if (*e->name == '\0' && (e->port == 0 || e->port == port) && is_within(address, &e->network))
      return true;
  return false;
}

bool allow_host(const struct allow *allow, const char *host, uint16_t port) {
  uint8_t address[16];
  if (read_address(host, address) != 0)
    return names(allow, address, port);
  for (const struct entry *e = allow->entries; e < allow->entries + allow->count; e++)
    if (*e->name != '\0' && (e->port == 0 || e->port == port) &&
        (e->below ? is_below(host, e->name) : strcmp(host, e->name) == 0))
      return true;
  return false;
}

bool allow_address(const struct allow *allow, const char *host, const struct sockaddr *address) {
  uint8_t bytes[16];
  bytes_of(address, bytes);
  return !is_special(bytes) || (strcmp(host, "localhost") == 0 && is_loopback(bytes)) ||
         names(allow, bytes, port_of(address));
}
