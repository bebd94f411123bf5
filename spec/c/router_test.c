#include "test.h"

#include "http/router.h"

static struct router *make_router(void) {
  static const struct {
    enum method method;
    const char *pattern;
  } routes[] = {
      {METHOD_GET, "/"},
      {METHOD_GET, "/logs/query"},
      {METHOD_POST, "/logs/query"},
      {METHOD_GET, "/logs/entries"},
      {METHOD_GET, "/logs/entries/{request_id}"},
      {METHOD_GET, "/logs/entries/latest"},
      {METHOD_PUT, "/logs/entries/{id}/notes/{note}"},
      {METHOD_POST, "/logs/reset"},
      {METHOD_GET, "/dashboard"},
      {METHOD_GET, "/dashboard/*"},
  };
  struct router *router = router_new();
  struct buf error = {0};
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
    CHECK(router_add(router, routes[i].method, routes[i].pattern, &error) != NULL);
  CHECK(error.len == 0);
  return router;
}

static struct route_match find(const struct router *router, enum method method, const char *path) {
  struct route_match match;
  router_match(router, method, (struct slice){path, strlen(path)}, &match);
  return match;
}

static void finds(const struct router *router, enum method method, const char *path,
                  const char *pattern, const char *first) {
  struct route_match match = find(router, method, path);
  CHECK(match.route != NULL);
  if (match.route == NULL)
    return;
  CHECK_BYTES(match.route->pattern, strlen(match.route->pattern), pattern);
  if (first != NULL)
    CHECK_BYTES(match.params[0].data, match.params[0].len, first);
}

static void check_matches(const struct router *router) {
  finds(router, METHOD_GET, "/", "/", NULL);
  finds(router, METHOD_GET, "/logs/query", "/logs/query", NULL);
  finds(router, METHOD_HEAD, "/logs/query", "/logs/query", NULL);
  finds(router, METHOD_GET, "/logs/entries", "/logs/entries", NULL);
  finds(router, METHOD_GET, "/logs/entries/abc", "/logs/entries/{request_id}", "abc");
  finds(router, METHOD_GET, "/logs/entries/latest", "/logs/entries/latest", NULL);
  finds(router, METHOD_PUT, "/logs/entries/latest/notes/7",
        "/logs/entries/{id}/notes/{note}", "latest");
  finds(router, METHOD_GET, "/dashboard/js/app.js", "/dashboard/*", "js/app.js");
  struct route_match match = find(router, METHOD_PUT, "/logs/entries/a/notes/7");
  CHECK_BYTES(match.params[1].data, match.params[1].len, "7");
}

static void check_misses(const struct router *router) {
  static const char *const nowhere[] = {"/logs",
                                        "/logs/",
                                        "/log",
                                        "/logs/querys",
                                        "/logs//query",
                                        "//logs/query",
                                        "/LOGS/query",
                                        "/logs/query//",
                                        "/logs/entries/a/notes",
                                        "",
                                        "*"};
  for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
    struct route_match match = find(router, METHOD_GET, nowhere[i]);
    CHECK(match.route == NULL && match.allowed == 0 && !match.slash_redirect);
  }
  struct route_match match = find(router, METHOD_DELETE, "/logs/query");
  CHECK(match.route == NULL);
  CHECK(match.allowed == (1u << METHOD_GET | 1u << METHOD_HEAD | 1u << METHOD_POST |
                          1u << METHOD_OPTIONS));
  match = find(router, METHOD_HEAD, "/logs/reset");
  CHECK(match.route == NULL && match.allowed == (1u << METHOD_POST | 1u << METHOD_OPTIONS));
}

static void check_redirects(const struct router *router) {
  CHECK(find(router, METHOD_GET, "/logs/query/").slash_redirect);
  CHECK(find(router, METHOD_GET, "/dashboard/").slash_redirect);
  CHECK(find(router, METHOD_GET, "/logs/entries/abc/").slash_redirect);
  CHECK(!find(router, METHOD_GET, "/logs/query").slash_redirect);
}

/* As long a path as config.lua allows takes no more stack than a short one. */
static void check_slashes(const struct router *router) {
  enum { SLASHES = 1 << 20 };
  char *path = malloc(SLASHES + 1);
  memset(path, '/', SLASHES);
  path[SLASHES] = '\0';
  struct route_match match = find(router, METHOD_GET, path);
  CHECK(match.route == NULL && match.allowed == 0 && !match.slash_redirect);
  free(path);
}

static void check_errors(struct router *router) {
  static const struct {
    const char *pattern, *says;
  } wrong[] = {
      {"logs", "begins with /"},
      {"/a{b}", "whole segments"},
      {"/{}", "whole segment"},
      {"/{a-b}", "whole segment"},
      {"/*/a", "only at the end"},
      {"/logs/query", "two routes"},
      {"/{a}/{b}/{c}/{d}/{e}", "too many"},
      {"/logs/entries/{other}", "two routes"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct buf error = {0};
    CHECK(router_add(router, METHOD_GET, wrong[i].pattern, &error) == NULL);
    buf_putc(&error, '\0');
    CHECK(strstr(error.data, wrong[i].says) != NULL);
    buf_clear(&error);
  }
  finds(router, METHOD_GET, "/logs/query", "/logs/query", NULL);
}

int main(void) {
  struct router *router = make_router();
  check_matches(router);
  check_misses(router);
  check_redirects(router);
  check_slashes(router);
  check_errors(router);
  router_free(router);
  return TEST_END;
}
