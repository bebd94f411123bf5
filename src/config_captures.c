/* captures of config.lua: each is two routes, and a host that may be called. */
#include "config_captures.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config_shape.h"
#include "net/url.h"

static const char module[] = "routes.capture";

/* "/anthropic", "/llm/openai": segments that need no encoding. */
static bool is_prefix(const char *prefix) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/";
  size_t len = strlen(prefix);
  return len > 1 && prefix[0] == '/' && prefix[len - 1] != '/' && strspn(prefix, plain) == len &&
         strstr(prefix, "//") == NULL && strstr(prefix, "/.") == NULL;
}

static void add_route(struct config *config, const char *prefix, const char *rest) {
  struct buf path = {0};
  buf_printf(&path, "%s%s", prefix, rest);
  buf_putc(&path, '\0');
  config->routes = xrealloc(config->routes, (config->nroutes + 1) * sizeof *config->routes);
  config->routes[config->nroutes++] =
      (struct config_route){xstrdup("*"), path.data, xstrdup(module)};
}

static void add_capture(struct config *config, const char *prefix, const struct url *url) {
  struct buf host = {0};
  bool v6 = strchr(url->host, ':') != NULL;
  buf_printf(&host, v6 ? "[%s]:%u" : "%s:%u", url->host, url->port);
  buf_putc(&host, '\0');
  string_list_add(&config->outside.captured, host.data);
  buf_clear(&host);
  add_route(config, prefix, "");
  add_route(config, prefix, "/*");
}

/* The pair that lua_next has pushed. */
static void read_capture(struct config *config, lua_State *L, struct buf *errors) {
  struct url url;
  const char *prefix = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  const char *why = url_parse(text, &url);
  if (why == NULL && memchr(url.target, '?', url.target_len) != NULL)
    why = "it cannot have a query";
  if (!is_prefix(prefix))
    buf_printf(errors,
               "config.lua: captures: %.100s: expected a path such as [\"/anthropic\"], without a "
               "/ at its end\n",
               prefix);
  else if (why != NULL)
    buf_printf(errors, "config.lua: captures: %s: %.100s: %s\n", prefix, text, why);
  else
    add_capture(config, prefix, &url);
}

void config_read_captures(struct config *config, lua_State *L, struct buf *errors) {
  config_push_shaped(L, "captures");
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    read_capture(config, L, errors);
  lua_pop(L, 1);
}
