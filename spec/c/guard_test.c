#include "test.h"

#include "http/guard.h"

static struct header headers[4];

static struct slice text(const char *s) {
  return (struct slice){s, s != NULL ? strlen(s) : 0};
}

static struct request make_request(enum method method, const char *host,
                                   const char *origin, const char *site,
                                   const char *authorization) {
  struct request r = {.method = method, .host = text(host), .headers = headers};
  const char *const names[] = {"origin", "sec-fetch-site", "authorization"};
  const char *const values[] = {origin, site, authorization};
  for (int i = 0; i < 3; i++)
    if (values[i] != NULL)
      headers[r.nheaders++] = (struct header){text(names[i]), text(values[i])};
  return r;
}

static void check_hosts(void) {
  static const struct {
    const char *listen, *host;
    int status;
  } cases[] = {
      {"127.0.0.1", "localhost", 0},           {"127.0.0.1", "LOCALHOST:8000", 0},
      {"127.0.0.1", "127.0.0.1:8000", 0},      {"127.0.0.1", "127.8.9.1", 0},
      {"127.0.0.1", "[::1]:8000", 0},          {"127.0.0.1", "app.localhost", 0},
      {"127.0.0.1", "stats.example", 0},       {"127.0.0.1", "Stats.Example:80", 0},
      {"127.0.0.1", "127.example.com", 403},   {"127.0.0.1", "127.0.0.1.example.com", 403},
      {"127.0.0.1", "localhost.example.com", 403}, {"127.0.0.1", "notlocalhost", 403},
      {"127.0.0.1", "evil.example", 403},      {"127.0.0.1", "10.0.0.1", 403},
      {"127.0.0.1", "[::2]", 403},             {"127.0.0.1", "", 403},
      {"127.0.0.1", "localhost:80:80", 403},   {"127.0.0.1", "localhost:x", 403},
      {"127.0.0.1", "[a.localhost]", 403},     {"127.0.0.1", "[stats.example]", 403},
      {"127.0.0.1", "[::1", 403},              {"127.0.0.1", "[]", 403},
      {"127.0.0.1", "2130706433", 403},        {"127.0.0.1", "0.0.0.0", 403},
      {"0.0.0.0", "10.0.0.1:8000", 0},         {"0.0.0.0", "evil.example", 403},
      {"10.0.0.7", "10.0.0.7", 0},             {"0.0.0.0", "localhost", 0},
  };
  char *names[] = {"stats.example"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct site_options site = {.host = (char *) cases[i].listen, .hosts = {names, 1}};
    struct request r = make_request(METHOD_GET, cases[i].host, NULL, NULL, NULL);
    int status = guard_check(&site, &r, SCOPE_OPEN).status;
    if (status != cases[i].status)
      fprintf(stderr, "host %s on %s\n", cases[i].host, cases[i].listen);
    CHECK(status == cases[i].status);
  }
}

static void check_origins(void) {
  static const struct {
    enum method method;
    const char *origin, *site;
    int status;
  } cases[] = {
      {METHOD_POST, NULL, NULL, 0},
      {METHOD_POST, NULL, "same-origin", 0},
      {METHOD_POST, NULL, "none", 0},
      {METHOD_POST, NULL, "cross-site", 403},
      {METHOD_POST, NULL, "same-site", 403},
      {METHOD_POST, "http://localhost:8000", "cross-site", 403},
      {METHOD_POST, "http://localhost:8000", NULL, 0},
      {METHOD_POST, "http://localhost:3000", NULL, 403},
      {METHOD_POST, "http://evil.example", NULL, 403},
      {METHOD_POST, "null", NULL, 403},
      {METHOD_POST, "", NULL, 403},
      {METHOD_DELETE, "http://evil.example", NULL, 403},
      {METHOD_OTHER, "http://evil.example", NULL, 403},
      {METHOD_POST, "https://trusted.example", "cross-site", 0},
      {METHOD_GET, "http://evil.example", "cross-site", 0},
      {METHOD_HEAD, "http://evil.example", "cross-site", 0},
      {METHOD_OPTIONS, "http://evil.example", "cross-site", 0},
  };
  char *trusted[] = {"https://trusted.example"};
  struct site_options site = {.host = "127.0.0.1", .cors_origins = {trusted, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct request r = make_request(cases[i].method, "localhost:8000", cases[i].origin,
                                    cases[i].site, NULL);
    CHECK(guard_check(&site, &r, SCOPE_OPEN).status == cases[i].status);
  }
}

static void check_readers(void) {
  static const struct {
    const char *origin;
    bool allowed;
  } cases[] = {
      {"http://localhost:8000", true},
      {"http://127.0.0.1:3000", true},
      {"http://[::1]", true},
      {"https://trusted.example", true},
      {"https://trusted.example.evil", false},
      {"http://localhost.evil", false},
      {"http://evil.example", false},
      {"null", false},
      {"", false},
  };
  char *trusted[] = {"https://trusted.example"};
  struct site_options site = {.host = "127.0.0.1", .cors_origins = {trusted, 1}};
  struct request r = make_request(METHOD_GET, "localhost:8000", NULL, NULL, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    CHECK(guard_allows_origin(&site, &r, text(cases[i].origin)) == cases[i].allowed);
  char *any[] = {"*"};
  site.cors_origins = (struct string_list){any, 1};
  CHECK(guard_allows_origin(&site, &r, text("http://evil.example")));
}

static void check_tokens(void) {
  static const struct {
    enum scope scope;
    const char *authorization;
    int status;
  } cases[] = {
      {SCOPE_OPEN, NULL, 0},
      {SCOPE_READ, NULL, 401},
      {SCOPE_READ, "Bearer reader", 0},
      {SCOPE_READ, "bearer  reader", 0},
      {SCOPE_READ, "Basic reader", 401},
      {SCOPE_READ, "Bearer", 401},
      {SCOPE_READ, "Bearer ", 401},
      {SCOPE_READ, "Bearer reade", 401},
      {SCOPE_READ, "Bearer readerr", 401},
      {SCOPE_READ, "Bearer readerreader", 401},
      {SCOPE_INGEST, "Bearer reader", 403},
      {SCOPE_ADMIN, "Bearer reader", 403},
      {SCOPE_ADMIN, "Bearer boss", 0},
  };
  struct token tokens[] = {
      {"reader", 1 << SCOPE_READ},
      {"boss", 1 << SCOPE_READ | 1 << SCOPE_INGEST | 1 << SCOPE_ADMIN}};
  struct site_options site = {.host = "127.0.0.1", .tokens = tokens, .ntokens = 2};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct request r = make_request(METHOD_GET, "localhost", NULL, NULL, cases[i].authorization);
    struct verdict verdict = guard_check(&site, &r, cases[i].scope);
    CHECK(verdict.status == cases[i].status);
    CHECK((verdict.status == 401) == (verdict.headers != NULL && verdict.status != 403));
  }
  site.ntokens = 0;
  struct request r = make_request(METHOD_GET, "localhost", NULL, NULL, NULL);
  CHECK(guard_check(&site, &r, SCOPE_ADMIN).status == 0);
}

int main(void) {
  check_hosts();
  check_origins();
  check_readers();
  check_tokens();
  return TEST_END;
}
