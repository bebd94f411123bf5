#include <ctype.h>
#include <strings.h>

#include "fuzz.h"
#include "http/guard.h"

/* Who gets in.  Input: a byte of options, then lines: Host, Origin, Sec-Fetch-Site,
 * Authorization. */

static const struct token tokens[] = {
    {"read-token-0123456789", 1 << SCOPE_READ}, {"all-token-0123456789", 0xff}};

static struct slice slice_of(struct fuzz_input in) {
  return (struct slice){in.data, in.len};
}

/* Names that lead to this machine only, whatever a hostile name server says. */
static bool is_here(const char *host) {
  char end[8];
  unsigned a, b, c, d;
  size_t len = strlen(host);
  if (strcasecmp(host, "localhost") == 0)
    return true;
  if (len > 10 && strcasecmp(host + len - 10, ".localhost") == 0)
    return true;
  if (sscanf(host, "%3u.%3u.%3u.%3u%1s", &a, &b, &c, &d, end) == 4)
    return a == 127 && b < 256 && c < 256 && d < 256;
  return strchr(host, ':') != NULL && host[strspn(host, "0:.")] == '1';
}

static bool is_unsafe(enum method method) {
  return method != METHOD_GET && method != METHOD_HEAD && method != METHOD_OPTIONS;
}

/* A page that a foreign name leads here, or of another origin, changes nothing. */
static void check_loopback(const struct site_options *site, const struct request *r) {
  struct slice host = {0}, origin = request_header(r, "origin");
  if (guard_check(site, r, SCOPE_OPEN).status != 0)
    return;
  if (r->host.data != NULL) {
    FUZZ_CHECK(authority_split(r->host, &host));
    char *text = fuzz_text((struct fuzz_input){host.data, host.len});
    FUZZ_CHECK(is_here(text));
    free(text);
  }
  if (origin.len > 0 && is_unsafe(r->method) && request_header(r, "sec-fetch-site").len == 0) {
    FUZZ_CHECK(origin.len >= r->host.len + 3);
    const char *end = origin.data + origin.len - r->host.len;
    FUZZ_CHECK(strncasecmp(end, r->host.data, r->host.len) == 0);
    FUZZ_CHECK(memcmp(end - 3, "://", 3) == 0);
  }
}

static bool ends_with(struct slice s, const char *text) {
  size_t n = strlen(text);
  return s.len >= n && memcmp(s.data + s.len - n, text, n) == 0;
}

static void check_tokens(const struct site_options *site, const struct request *r,
                         enum scope scope) {
  struct slice given = request_header(r, "authorization");
  if (guard_check(site, r, scope).status != 0 || scope == SCOPE_OPEN)
    return;
  FUZZ_CHECK(ends_with(given, tokens[1].text) ||
             (scope == SCOPE_READ && ends_with(given, tokens[0].text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct fuzz_input in = fuzz_input(bytes, size);
  unsigned choice = fuzz_byte(&in);
  static const char *const names[] = {"origin", "sec-fetch-site", "authorization"};
  static char *page[] = {"https://page.example.org"}, *name[] = {"example.org"};
  static const struct site_options here = {.host = "127.0.0.1"},
      outside = {.host = "0.0.0.0", .tokens = tokens, .ntokens = 2, .hosts = {name, 1},
                 .cors_origins = {page, 1}};
  struct header headers[3];
  struct request r = {.method = choice % METHODS, .headers = headers};
  r.host = slice_of(fuzz_line(&in));
  for (size_t i = 0; i < 3; i++) {
    struct slice value = slice_of(fuzz_line(&in));
    if (value.len > 0)
      headers[r.nheaders++] = (struct header){{names[i], strlen(names[i])}, value};
  }
  check_loopback(&here, &r);
  check_tokens(&outside, &r, choice / METHODS % 4);
  if (request_header(&r, "origin").len > 0)
    guard_allows_origin(&outside, &r, request_header(&r, "origin"));
  return 0;
}
