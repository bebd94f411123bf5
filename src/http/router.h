#ifndef MOONLEDGER_HTTP_ROUTER_H
#define MOONLEDGER_HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "http/request.h"
#include "http/site.h"

/* Method and path to route.  Built once per generation, then read by all loops. */
struct router;

struct route {
  enum method method;
  /* "/logs/entries/{request_id}"; a last segment of "*" matches the rest, under that
   * name */
  char *pattern;
  char *module;                /* "routes.logs_query" */
  char *param_names[ROUTE_MAX_PARAMS];
  size_t nparams;
  size_t index;                /* of its handler in each loop's script */
  enum scope scope;
  size_t max_body;             /* 0: limits.body_bytes */
  /* It passes requests on: the handler has them when their head is there, as they were sent, and
   * the token stands in X-Moonledger-Token, because Authorization is somebody else's. */
  bool raw;
};

struct router *router_new(void);
void router_free(struct router *router);

/* NULL and a message in error when the pattern is wrong or the method has it already. */
struct route *router_add(struct router *router, enum method method, const char *pattern,
                         struct buf *error);

struct route_match {
  const struct route *route;   /* NULL: see the others */
  struct slice params[ROUTE_MAX_PARAMS];
  /* methods that this path has, bit per enum method; 0: no such path */
  uint32_t allowed;
  bool slash_redirect;         /* the path without its last slash is a route */
};

/* HEAD finds GET's route. */
void router_match(const struct router *router, enum method method, struct slice path,
                  struct route_match *match);

size_t router_count(const struct router *router);
const struct route *router_at(const struct router *router, size_t i);

#endif
