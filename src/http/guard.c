#include "http/guard.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "base/hash.h"
#include "http/router.h"

static const struct verdict
    admitted = {0, NULL, NULL},
    foreign_host = {403,
                    "this Host is not served here; "
                    "config.lua's hosts lists the names that are",
                    NULL},
    foreign_origin = {403,
                      "pages of other origins may not do this; "
                      "config.lua's cors.origins lists those that may",
                      NULL},
    no_page = {403,
               "this path passes calls of programs on; "
               "a browser may open it neither as a page nor as a part of one",
               NULL},
    no_token = {401, "a token is needed: Authorization: Bearer TOKEN",
                "WWW-Authenticate: Bearer\r\n"},
    wrong_token = {401, "this token is not known",
                   "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"},
    no_pass_token = {401, "a token is needed: X-Moonledger-Token: TOKEN", NULL},
    wrong_scope = {403, "this token does not allow it",
                   "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n"};

static struct slice skip_bytes(struct slice s, size_t n) {
  return (struct slice){s.data + n, s.len - n};
}

static bool is_port(struct slice s) {
  if (s.len > 5)
    return false;
  for (size_t i = 0; i < s.len; i++)
    if (s.data[i] < '0' || s.data[i] > '9')
      return false;
  return true;
}

static size_t host_length(struct slice s) {
  static const bool name[256] = {
      ['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true, ['%'] = true,
      ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
  };
  size_t n = 0;
  if (s.len > 0 && s.data[0] == '[') { /* an address, so that no name can hide in it */
    for (n = 1; n < s.len && (isxdigit((unsigned char) s.data[n]) || s.data[n] == ':' ||
                              s.data[n] == '.');)
      n++;
    return n > 1 && n < s.len && s.data[n] == ']' ? n + 1 : 0;
  }
  while (n < s.len && name[(unsigned char) s.data[n]])
    n++;
  return n;
}

bool authority_split(struct slice authority, struct slice *host) {
  size_t n = host_length(authority);
  if (n == 0 || (n < authority.len &&
                 (authority.data[n] != ':' || !is_port(skip_bytes(authority, n + 1)))))
    return false;
  bool bracketed = authority.data[0] == '[';
  *host = (struct slice){authority.data + bracketed, n - 2 * bracketed};
  return true;
}

enum address { ADDRESS_NONE, ADDRESS_LOOPBACK, ADDRESS_OTHER };

static enum address address_of(struct slice host) {
  char text[INET6_ADDRSTRLEN];
  struct in_addr v4;
  struct in6_addr v6;
  if (host.len == 0 || host.len >= sizeof text)
    return ADDRESS_NONE;
  if (!isdigit((unsigned char) host.data[0]) && memchr(host.data, ':', host.len) == NULL)
    return ADDRESS_NONE;
  memcpy(text, host.data, host.len);
  text[host.len] = '\0';
  if (inet_pton(AF_INET, text, &v4) == 1)
    return ntohl(v4.s_addr) >> 24 == 127 ? ADDRESS_LOOPBACK : ADDRESS_OTHER;
  if (inet_pton(AF_INET6, text, &v6) == 1)
    return IN6_IS_ADDR_LOOPBACK(&v6) ? ADDRESS_LOOPBACK : ADDRESS_OTHER;
  return ADDRESS_NONE;
}

static bool is_loopback(struct slice host) {
  static const char suffix[] = ".localhost";
  size_t n = sizeof suffix - 1;
  if (slice_is_nocase(host, "localhost") ||
      (host.len > n && slice_is_nocase(skip_bytes(host, host.len - n), suffix)))
    return true;
  return address_of(host) == ADDRESS_LOOPBACK;
}

static bool is_listed(const struct string_list *list, struct slice s) {
  for (size_t i = 0; i < list->count; i++)
    if (slice_is_nocase(s, list->items[i]))
      return true;
  return false;
}

/* A page that rebinds its own name to this machine sends that name.  Ports are not
 * compared: they differ behind ssh -L and docker -p, and names are what the attack needs. */
static bool serves_host(const struct site_options *site, const struct request *r) {
  struct slice host, listen = {site->host, strlen(site->host)};
  if (r->host.data == NULL)
    return r->http10;
  if (!authority_split(r->host, &host))
    return false;
  if (slice_equal_nocase(host, listen) || is_loopback(host) || is_listed(&site->hosts, host))
    return true;
  if (is_loopback(listen))
    return false;
  /* An address is no name; and where tokens are asked for, a rebound page has none. */
  return address_of(host) == ADDRESS_OTHER || (site->ntokens > 0 && site->hosts.count == 0);
}

/* The authority of scheme://authority. */
static struct slice origin_authority(struct slice origin) {
  const char *p = origin.data != NULL ? memmem(origin.data, origin.len, "://", 3) : NULL;
  return p != NULL ? skip_bytes(origin, (size_t) (p + 3 - origin.data)) : (struct slice){0};
}

static bool same_origin(const struct request *r, struct slice origin) {
  struct slice authority = origin_authority(origin);
  return authority.len > 0 && slice_equal_nocase(authority, r->host);
}

bool guard_allows_origin(const struct site_options *site, const struct request *r,
                         struct slice origin) {
  struct slice host;
  if (same_origin(r, origin) || is_listed(&site->cors_origins, origin) ||
      is_listed(&site->cors_origins, (struct slice){"*", 1}))
    return true;
  return authority_split(origin_authority(origin), &host) && is_loopback(host);
}

static bool is_raw(const struct request *r) {
  return r->route != NULL && r->route->raw;
}

/* What is passed on is recorded, and who knows what it does on the other side. */
static bool only_reads(const struct request *r) {
  return !is_raw(r) &&
         (r->method == METHOD_GET || r->method == METHOD_HEAD || r->method == METHOD_OPTIONS);
}

/* The algorithm of Go 1.25's CrossOriginProtection.  A loopback origin may read, but is
 * not trusted to change anything. */
static bool is_cross_origin(const struct site_options *site, const struct request *r) {
  if (only_reads(r))
    return false;
  struct slice origin = request_header(r, "origin"),
               fetch_site = request_header(r, "sec-fetch-site");
  if (is_listed(&site->cors_origins, (struct slice){"*", 1}) ||
      (origin.len > 0 && is_listed(&site->cors_origins, origin)))
    return false;
  if (fetch_site.len > 0)
    return !slice_is_nocase(fetch_site, "same-origin") && !slice_is_nocase(fetch_site, "none");
  return origin.data != NULL && !same_origin(r, origin);
}

/* The other side's HTML and scripts would run as if they were ours. */
static bool is_embedded(const struct request *r) {
  struct slice dest = request_header(r, "sec-fetch-dest");
  return is_raw(r) && dest.len > 0 && !slice_is_nocase(dest, "empty");
}

/* In a time that tells nothing about where they differ. */
static bool same_secret(const char *secret, struct slice given) {
  size_t len = strlen(secret);
  unsigned char differs = len != given.len;
  for (size_t i = 0; i < given.len; i++)
    differs |= (unsigned char) (given.data[i] ^ secret[len > 0 ? i % len : 0]);
  return !differs;
}

/* Without data: none. */
static struct slice token_of(const struct request *r) {
  bool raw = is_raw(r);
  struct slice given = request_header(r, raw ? "x-moonledger-token" : "authorization");
  if (raw ? given.len == 0 : !slice_starts_nocase(given, "bearer "))
    return (struct slice){0};
  given = skip_bytes(given, raw ? 0 : 7);
  while (given.len > 0 && given.data[0] == ' ')
    given = skip_bytes(given, 1);
  return given;
}

static struct verdict check_token(const struct site_options *site,
                                  const struct request *r, enum scope scope) {
  if (scope == SCOPE_OPEN || site->ntokens == 0)
    return admitted;
  struct slice given = token_of(r);
  if (given.data == NULL)
    return is_raw(r) ? no_pass_token : no_token;
  struct verdict verdict = wrong_token;
  for (size_t i = 0; i < site->ntokens; i++)
    if (same_secret(site->tokens[i].text, given))
      verdict = site->tokens[i].scopes & 1u << scope ? admitted : wrong_scope;
  return verdict;
}

static uint64_t secret_of(struct slice token) {
  return token.data != NULL ? hash_bytes(hash_process_seed(), token.data, token.len) : 0;
}

struct permit guard_permit(const struct request *r) {
  return (struct permit){secret_of(token_of(r)), r->route->scope};
}

bool guard_still_admits(const struct site_options *site, struct permit permit) {
  bool admits = permit.scope == SCOPE_OPEN || site->ntokens == 0;
  for (size_t i = 0; i < site->ntokens && !admits; i++) {
    const struct token *token = &site->tokens[i];
    admits = (token->scopes & 1u << permit.scope) &&
             secret_of((struct slice){token->text, strlen(token->text)}) == permit.secret;
  }
  return admits;
}

struct verdict guard_check(const struct site_options *site, const struct request *r,
                           enum scope scope) {
  if (!serves_host(site, r))
    return foreign_host;
  if (is_cross_origin(site, r))
    return foreign_origin;
  if (is_embedded(r))
    return no_page;
  return check_token(site, r, scope);
}
