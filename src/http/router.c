#include "http/router.h"

#include <stdlib.h>

#include "base/mem.h"

/* A tree by segments.  A path tries the literal child first, then the parameter, then the rest. */
struct node {
  char *segment;
  size_t len;
  struct node *children, *sibling;
  struct node *parameter;
  struct route *routes[METHODS]; /* of the path that ends here */
  struct route *rest[METHODS];   /* of "*" below here */
};

struct router {
  struct node root;
  struct route **routes;
  size_t count;
};

struct router *router_new(void) {
  return xcalloc(1, sizeof(struct router));
}

static void node_clear(struct node *n) {
  for (struct node *child = n->children, *next; child != NULL; child = next) {
    next = child->sibling;
    node_clear(child);
    free(child);
  }
  if (n->parameter != NULL)
    node_clear(n->parameter);
  free(n->parameter);
  free(n->segment);
}

void router_free(struct router *router) {
  if (router == NULL)
    return;
  for (size_t i = 0; i < router->count; i++) {
    struct route *route = router->routes[i];
    for (size_t p = 0; p < route->nparams; p++)
      free(route->param_names[p]);
    free(route->pattern);
    free(route->module);
    free(route);
  }
  free(router->routes);
  node_clear(&router->root);
  free(router);
}

static struct node *find_child(const struct node *n, const char *segment, size_t len) {
  struct node *child = n->children;
  while (child != NULL && (child->len != len || memcmp(child->segment, segment, len) != 0))
    child = child->sibling;
  return child;
}

static struct node *make_child(struct node *n, const char *segment, size_t len) {
  struct node *child = find_child(n, segment, len);
  if (child != NULL)
    return child;
  child = xcalloc(1, sizeof *child);
  child->segment = strndup(segment, len);
  child->len = len;
  child->sibling = n->children;
  n->children = child;
  return child;
}

static struct node *make_parameter(struct node *n) {
  if (n->parameter == NULL)
    n->parameter = xcalloc(1, sizeof *n->parameter);
  return n->parameter;
}

static bool is_name(const char *s, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!(s[i] == '_' || (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
          (i > 0 && s[i] >= '0' && s[i] <= '9')))
      return false;
  return len > 0;
}

static const char *add_param(struct route *route, const char *name, size_t len) {
  if (route->nparams == ROUTE_MAX_PARAMS)
    return "too many parameters";
  route->param_names[route->nparams++] = strndup(name, len);
  return NULL;
}

/* Walks pattern into the tree; *slot is where its route belongs. */
static const char *place_route(struct router *router, struct route *route, struct route ***slot) {
  struct node *n = &router->root;
  const char *p = route->pattern;
  if (p[0] != '/')
    return "a path begins with /";
  while (*p == '/') {
    const char *segment = ++p;
    size_t len = strcspn(p, "/");
    p += len;
    if (len == 1 && *segment == '*') {
      *slot = &n->rest[route->method];
      return *p == '\0' ? add_param(route, "*", 1) : "* stands only at the end";
    }
    if (segment[0] == '{' && segment[len - 1] == '}') {
      if (!is_name(segment + 1, len - 2))
        return "a parameter is a whole segment, like {name}";
      const char *error = add_param(route, segment + 1, len - 2);
      if (error != NULL)
        return error;
      n = make_parameter(n);
    } else if (memchr(segment, '{', len) != NULL || memchr(segment, '*', len) != NULL) {
      return "{name} and * are whole segments";
    } else {
      n = make_child(n, segment, len);
    }
  }
  *slot = &n->routes[route->method];
  return NULL;
}

struct route *router_add(struct router *router, enum method method, const char *pattern,
                         struct buf *error) {
  struct route *route = xcalloc(1, sizeof *route);
  struct route **slot = NULL;
  route->method = method;
  route->pattern = xstrdup(pattern);
  route->index = router->count;
  router->routes = xrealloc(router->routes, (router->count + 1) * sizeof(struct route *));
  router->routes[router->count++] = route;

  const char *wrong = place_route(router, route, &slot);
  if (wrong == NULL && *slot == NULL)
    return *slot = route;
  if (wrong == NULL)
    wrong = "there are two routes for it; take one of them away";
  buf_printf(error, "%s %s: %s", method_name(method), pattern, wrong);
  return NULL;
}

struct walk {
  enum method method;
  struct route_match *match;
  struct slice params[ROUTE_MAX_PARAMS];
};

static uint32_t methods_of(struct route *const routes[METHODS]) {
  uint32_t set = 0;
  for (int m = 0; m < METHODS; m++)
    if (routes[m] != NULL)
      set |= 1u << m;
  if (set & 1u << METHOD_GET)
    set |= 1u << METHOD_HEAD;
  return set != 0 ? set | 1u << METHOD_OPTIONS : 0;
}

static bool take_route(struct walk *w, struct route *const routes[METHODS]) {
  const struct route *route = routes[w->method];
  if (route == NULL && w->method == METHOD_HEAD)
    route = routes[METHOD_GET];
  if (route == NULL) {
    w->match->allowed |= methods_of(routes);
    return false;
  }
  w->match->route = route;
  memcpy(w->match->params, w->params, sizeof w->params);
  return true;
}

/* path begins with "/" or is empty. */
static bool walk_path(struct walk *w, const struct node *n, struct slice path, unsigned nparams) {
  if (path.len == 0)
    return take_route(w, n->routes);
  const char *segment = path.data + 1, *slash = memchr(segment, '/', path.len - 1);
  size_t len = slash != NULL ? (size_t) (slash - segment) : path.len - 1;
  struct slice rest = {segment + len, path.len - 1 - len};

  struct node *child = find_child(n, segment, len);
  if (child != NULL && walk_path(w, child, rest, nparams))
    return true;
  if (n->parameter != NULL && len > 0) {
    w->params[nparams] = (struct slice){segment, len};
    if (walk_path(w, n->parameter, rest, nparams + 1))
      return true;
  }
  if (path.len == 1 || nparams == ROUTE_MAX_PARAMS)
    return false;
  w->params[nparams] = (struct slice){segment, path.len - 1};
  return take_route(w, n->rest);
}

static void match_path(const struct router *router, enum method method, struct slice path,
                       struct route_match *match) {
  struct walk w = {.method = method, .match = match};
  *match = (struct route_match){0};
  if (path.len > 0 && path.data[0] == '/')
    walk_path(&w, &router->root, path, 0);
}

void router_match(const struct router *router, enum method method, struct slice path,
                  struct route_match *match) {
  match_path(router, method, path, match);
  if (match->route != NULL || match->allowed != 0)
    return;
  if (path.len > 1 && path.data[path.len - 1] == '/') {
    struct route_match without;
    match_path(router, method, (struct slice){path.data, path.len - 1}, &without);
    match->slash_redirect = without.route != NULL || without.allowed != 0;
  }
}

size_t router_count(const struct router *router) {
  return router->count;
}

const struct route *router_at(const struct router *router, size_t i) {
  return router->routes[i];
}
