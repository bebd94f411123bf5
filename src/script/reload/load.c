#include "script/reload/load.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "http/router.h"
#include "record/schema.h"
#include "script/engine/generation.h"
#include "script/engine/report.h"
#include "script/engine/sandbox.h"
#include "script/engine/schema_load.h"
#include "script/engine/state.h"
#include "script/reload/require.h"
#include "script/services.h"

/* CPU time and memory of config.lua, before it says how much there is. */
enum { FIRST_LOAD_MS = 500, FIRST_MEMORY = 64 << 20 };

struct loader {
  struct script *script;
  const struct snapshot *snapshot;
  struct buf *errors;
  bool first;            /* of its generation: makes settings and router */
  struct settings *settings; /* what this state read */
  struct router *router;
  const struct route_entry *entry;
};

static bool has_place(const char *message) {
  const char *lua = strstr(message, ".lua:");
  return lua != NULL && isdigit((unsigned char) lua[5]) &&
         strcspn(message, " ") > (size_t) (lua - message);
}

/* A file that many others require is named once. */
static void add_error(struct buf *errors, const char *file, int line, const char *message) {
  struct buf text = {0};
  if (!has_place(message))
    buf_printf(&text, "%s:%d: ", file, line);
  buf_puts(&text, message);
  buf_putc(&text, '\n');
  if (errors->len == 0 || memmem(errors->data, errors->len, text.data, text.len) == NULL)
    buf_append(errors, text.data, text.len);
  buf_clear(&text);
}

/* The line of config.lua that has the texts of entry; of several the last. */
static int entry_line(const struct snapshot *snapshot, const struct route_entry *entry) {
  const struct snapshot_file *file = &snapshot->files[0];
  int line = 1, found = 1;
  for (const char *p = file->text, *end = p + file->len, *next; p < end; p = next, line++) {
    const char *newline = memchr(p, '\n', (size_t) (end - p));
    next = newline != NULL ? newline + 1 : end;
    size_t len = (size_t) (next - p);
    if (memmem(p, len, entry->path, strlen(entry->path)) != NULL &&
        memmem(p, len, entry->module, strlen(entry->module)) != NULL)
      found = line;
  }
  return found;
}

/* lib/route.lua says "routes.x: handle must be …" of lua/routes/x.lua. */
static void add_step_error(struct loader *l, const char *file, const char *message) {
  size_t len = l->entry != NULL ? strlen(l->entry->module) : 0;
  if (len == 0 || strncmp(message, l->entry->module, len) != 0 || message[len] != ':') {
    add_error(l->errors, file, l->entry != NULL ? entry_line(l->snapshot, l->entry) : 1, message);
    return;
  }
  char *path = require_file(l->entry->module);
  add_error(l->errors, path, 1, message + len + 2);
  free(path);
}

/* false: message says what went wrong. */
static bool run_step(struct loader *l, lua_CFunction step, struct buf *message) {
  lua_State *L = l->script->L;
  lua_pushcfunction(L, step);
  lua_pushlightuserdata(L, l);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK)
    return true;
  report_take_message(L, message);
  return false;
}

static bool protect(struct loader *l, lua_CFunction step, const char *file) {
  struct buf message = {0};
  bool fine = run_step(l, step, &message);
  buf_putc(&message, '\0');
  if (!fine)
    add_step_error(l, file, message.data);
  buf_clear(&message);
  return fine;
}

/* The line of config.lua that a message is about, by the names before what is wrong, each looked
 * for behind the one before: 'notify.ops' or 'alerts[2] "slow"'. */
static int config_line(const struct loader *l, const char *message) {
  const struct snapshot_file *file = snapshot_find(l->snapshot, "config.lua");
  const char *end = strstr(message, ": "), *at = file->text, *found;
  for (const char *p = message; end != NULL && p < end;) {
    bool is_index = p > message && p[-1] == '[';
    p += *p == '"';
    size_t len = p > message && p[-1] == '"' ? strcspn(p, "\"") : strcspn(p, ".[: ");
    if (!is_index && (found = snapshot_find_word(file, at, p, len)) != NULL)
      at = found;
    p += len + 1;
  }
  return snapshot_line(file, at);
}

/* "config.lua: limits.body_bytes: expected …" gets the line where body_bytes stands, and
 * 'alerts[2] "slow": window: …' that of "slow". */
static void place_config_errors(struct loader *l, const struct buf *found) {
  for (const char *p = found->data, *end = p + found->len, *next; p < end; p = next) {
    next = (const char *) memchr(p, '\n', (size_t) (end - p)) + 1;
    char *text = xmemdup(p, (size_t) (next - p));
    text[next - p - 1] = '\0';
    const char *message = strncmp(text, "config.lua: ", 12) == 0 ? text + 12 : text;
    add_error(l->errors, "config.lua", config_line(l, message), message);
    free(text);
  }
}

/* 'schema.lua: families[1] "requests_total": …' gets the line where requests_total stands. */
static void place_schema_error(struct loader *l, const char *message) {
  static const char prefix[] = "schema.lua: ";
  const struct snapshot_file *file = snapshot_find(l->snapshot, "lua/schema.lua");
  if (strncmp(message, prefix, sizeof prefix - 1) == 0)
    message += sizeof prefix - 1;
  const char *quote = strchr(message, '"'), *end = quote != NULL ? strchr(quote + 1, '"') : NULL;
  const char *at =
      end != NULL ? snapshot_find_word(file, file->text, quote, (size_t) (end + 1 - quote)) : NULL;
  add_error(l->errors, "lua/schema.lua", snapshot_line(file, at), message);
}

static int l_open(lua_State *L) {
  struct loader *l = lua_touserdata(L, 1);
  sandbox_open(L, l->script->services->bindings);
  lua_server_open(L);
  return 0;
}

static int l_load_config(lua_State *L) {
  struct loader *l = lua_touserdata(L, 1);
  require_push_chunk(L, &l->snapshot->files[0]);
  sandbox_push_env(L);
  l->script->services->push_settings_env(L);
  lua_setupvalue(L, -2, 1);
  lua_call(L, 0, 1);
  struct buf found = {0};
  const struct services *services = l->script->services;
  l->settings = services->read_settings(services->settings_arg, L,
                                        l->snapshot->config_file, &found);
  place_config_errors(l, &found);
  buf_clear(&found);
  if (l->settings == NULL)
    return 0;
  lua_pushstring(L, MOONLEDGER_VERSION);
  lua_setfield(L, -2, "version");
  sandbox_freeze_deep(L);
  require_open(L);
  require_set(L, "config");
  return 0;
}

static int l_load_schema(lua_State *L) {
  struct loader *l = lua_touserdata(L, 1);
  struct buf error = {0};
  require_push(L, "schema");
  struct schema *schema = schema_load(L, &error);
  if (schema != NULL)
    schema_free(schema);
  if (error.len > 0) {
    buf_putc(&error, '\0');
    place_schema_error(l, error.data);
  }
  buf_clear(&error);
  return 0;
}

/* Asks lua/lib/errors.lua for the body of each refusal.  Neighbours that read alike share one. */
static int l_load_errors(lua_State *L) {
  struct loader *l = lua_touserdata(L, 1);
  const char **errors = l->script->generation->site.errors;
  require_push(L, "lib.errors");
  for (int i = 0; i < ERRORS; i++) {
    lua_pushvalue(L, 2);
    lua_pushinteger(L, ERRORS_FROM + i);
    lua_pushlstring(L, (const char[]){ERROR_MESSAGE}, 1);
    lua_call(L, 2, 1);
    const char *text = lua_tostring(L, -1);
    if (text == NULL)
      return luaL_error(L, "must give the body of status %d as a string, gives a %s",
                        ERRORS_FROM + i, luaL_typename(L, -1));
    errors[i] = i > 0 && strcmp(text, errors[i - 1]) == 0 ? errors[i - 1] : xstrdup(text);
    lua_pop(L, 1);
  }
  return 0;
}

static void free_errors(struct site *site) {
  for (int i = ERRORS - 1; i >= 0; i--)
    if (i == 0 || site->errors[i] != site->errors[i - 1])
      free((char *) site->errors[i]);
}

/* What native records are priced by (bindings/lua_price.c). */
static int l_load_prices(lua_State *L) {
  struct loader *l = lua_touserdata(L, 1);
  require_push(L, "lib.native_prices");
  luaL_checktype(L, -1, LUA_TTABLE);
  l->script->prices = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

/* What happens without being asked, by rules that stand in config.lua. */
static int l_load_alerting(lua_State *L) {
  require_push(L, "alerting.run");
  return 0;
}

static void load_alerting(struct loader *l) {
  struct buf message = {0};
  bool fine = run_step(l, l_load_alerting, &message);
  buf_putc(&message, '\n');
  if (!fine)
    place_config_errors(l, &message);
  buf_clear(&message);
}

/* What no record keeps. */
static int l_load_content(lua_State *L) {
  struct loader *l = lua_touserdata(L, 1);
  require_push(L, "ingest.content");
  if (luaL_testudata(L, -1, "content") == NULL)
    return luaL_error(L, "must return content { names = { … }, … }, returned a %s",
                      luaL_typename(L, -1));
  l->script->content = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

static int l_load_hooks(lua_State *L) {
  struct loader *l = lua_touserdata(L, 1);
  require_push(L, "hooks");
  if (!lua_istable(L, -1))
    return luaL_error(L,
                      "must return a table such as { on_record = function(record) … end "
                      "}, returned a %s",
                      luaL_typename(L, -1));
  lua_getfield(L, -1, "on_record");
  if (!lua_isfunction(L, -1))
    return luaL_error(L, "on_record must be a function, is a %s", luaL_typename(L, -1));
  l->script->hook = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

/* Of the user's files that nothing has required, and that are not the program's own text,
 * which would be a fifth of a start; config.lua, the first, has been run. */
static bool wants_check(lua_State *L, const struct snapshot_file *file) {
  return !file->as_shipped && !require_is_loaded(L, file);
}

static int l_check_syntax(lua_State *L) {
  struct loader *l = lua_touserdata(L, 1);
  for (size_t i = 1; i < l->snapshot->nfiles; i++) {
    const struct snapshot_file *file = &l->snapshot->files[i];
    if (wants_check(L, file) && require_compile(L, file) != LUA_OK)
      add_error(l->errors, file->name, 1, lua_tostring(L, -1));
    lua_settop(L, 1);
  }
  return 0;
}

static enum method method_named(const char *name) {
  enum method method = 0;
  while (method < METHODS && strcmp(method_name(method), name) != 0)
    method++;
  return method;
}

static bool is_switched_on(lua_State *L, int definition) {
  bool on = true;
  lua_getfield(L, definition, "feature");
  if (!lua_isnil(L, -1)) {
    const char *feature = luaL_tolstring(L, -1, NULL);
    require_push(L, "config");
    lua_getfield(L, -1, "features");
    lua_getfield(L, -1, feature);
    if (!lua_isboolean(L, -1))
      luaL_error(L, "feature '%s' is no key of config.lua's features", feature);
    on = lua_toboolean(L, -1);
    lua_pop(L, 4);
  } else {
    lua_pop(L, 1);
  }
  return on;
}

static lua_Integer get_size(lua_State *L, int definition, const char *field) {
  int is_integer;
  lua_getfield(L, definition, field);
  lua_Integer n = lua_isnil(L, -1) ? (is_integer = 1, 0) : lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || n < 0)
    luaL_error(L, "%s must be a positive integer", field);
  lua_pop(L, 1);
  return n;
}

static enum scope get_scope(lua_State *L, int definition, enum method method) {
  static const char *const names[] = {[SCOPE_OPEN] = "open",
                                      [SCOPE_READ] = "read",
                                      [SCOPE_INGEST] = "ingest",
                                      [SCOPE_ADMIN] = "admin"};
  enum scope scope = method == METHOD_GET ? SCOPE_READ : SCOPE_ADMIN;
  lua_getfield(L, definition, "scope");
  const char *name = lua_tostring(L, -1);
  for (size_t i = 0; name != NULL && i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], name) == 0)
      scope = (enum scope) i;
  lua_pop(L, 1);
  return scope;
}

/* Leaves the function that answers requests. */
static void compile_route(lua_State *L, const struct route_entry *entry, int definition) {
  require_push(L, "lib.route");
  lua_getfield(L, -1, "compile");
  lua_pushvalue(L, definition);
  lua_createtable(L, 0, 3);
  lua_pushstring(L, entry->method);
  lua_setfield(L, -2, "method");
  lua_pushstring(L, entry->path);
  lua_setfield(L, -2, "path");
  lua_pushstring(L, entry->module);
  lua_setfield(L, -2, "module");
  lua_call(L, 2, 1);
  lua_remove(L, -2);
}

static void add_handler(lua_State *L, struct script *script, int definition, int64_t timeout_ms) {
  lua_getfield(L, definition, "summary");
  char *summary = xstrdup(luaL_optstring(L, -1, ""));
  lua_pop(L, 1);
  int ref = luaL_ref(L, LUA_REGISTRYINDEX);
  script->handlers = xrealloc(script->handlers, (script->nhandlers + 1) * sizeof *script->handlers);
  script->handlers[script->nhandlers++] = (struct handler){ref, timeout_ms, summary};
}

static struct route *add_route(lua_State *L, struct loader *l, enum method method) {
  char message[200];
  struct buf error = {0};
  struct route *route = router_add(l->router, method, l->entry->path, &error);
  if (route == NULL) {
    snprintf(message, sizeof message, "%.*s", (int) error.len, error.data);
    buf_clear(&error);
    luaL_error(L, "%s", message);
  }
  route->module = xstrdup(l->entry->module);
  return route;
}

static int l_load_route(lua_State *L) {
  struct loader *l = lua_touserdata(L, 1);
  enum method method = method_named(l->entry->method);
  bool every = strcmp(l->entry->method, "*") == 0;
  if (method == METHODS && !every)
    return luaL_error(
        L, "route %s %s: unknown method: expected GET, POST, PUT, PATCH, DELETE or *",
        l->entry->method, l->entry->path);
  require_push(L, l->entry->module);
  compile_route(L, l->entry, 2);
  if (!is_switched_on(L, 2))
    return 0;
  size_t max_body = (size_t) get_size(L, 2, "max_body");
  int64_t timeout_ms = get_size(L, 2, "timeout_ms");
  enum scope scope = get_scope(L, 2, method);
  lua_getfield(L, 2, "raw");
  bool raw = lua_toboolean(L, -1);
  lua_settop(L, 3);
  add_handler(L, l->script, 2, timeout_ms);

  int first = every ? 0 : (int) method, last = every ? (int) METHOD_OTHER : (int) method;
  for (int m = first; m <= last; m++) {
    struct route *route = add_route(L, l, (enum method) m);
    route->index = l->script->nhandlers - 1;
    route->scope = scope;
    route->max_body = max_body;
    route->raw = raw;
  }
  return 0;
}

static void load_routes(struct loader *l) {
  l->router = router_new();
  for (size_t i = 0; i < l->settings->nroutes && !l->script->overran_load; i++) {
    l->entry = &l->settings->routes[i];
    protect(l, l_load_route, "config.lua");
  }
  l->entry = NULL;
}

static void apply_settings(struct script *script, const struct settings *settings) {
  script->memory.cap = settings->script.memory_bytes;
  script->load_until_ns = clock_thread_cpu_ns() + settings->script.load_cpu_ms * 1000000;
}

static bool is_schema_in_force(const struct loader *l) {
  const struct schema *schema = l->script->services->schema;
  const struct snapshot_file *file = snapshot_find(l->snapshot, "lua/schema.lua");
  return schema != NULL && file != NULL && file->hash == schema->text_hash;
}

static void load_used(struct loader *l) {
  struct script *script = l->script;
  protect(l, l_load_config, "config.lua");
  if (l->settings == NULL)
    return;
  apply_settings(script, l->settings);
  if (l->first && !is_schema_in_force(l))
    protect(l, l_load_schema, "lua/schema.lua");
  if (l->first)
    protect(l, l_load_errors, "lua/lib/errors.lua");
  if (script->services->schema == NULL)
    return;
  protect(l, l_load_content, "lua/ingest/content.lua");
  if (l->settings->price_native)
    protect(l, l_load_prices, "lua/lib/native_prices.lua");
  if (snapshot_find(l->snapshot, "lua/hooks.lua") != NULL)
    protect(l, l_load_hooks, "lua/hooks.lua");
  load_alerting(l);
  load_routes(l);
}

static void load_all(struct loader *l) {
  if (!protect(l, l_open, "config.lua"))
    return;
  limits_apply(l->script->L);
  load_used(l);
  if (l->first)
    protect(l, l_check_syntax, "config.lua");
}

static bool load_script(struct script *script, const struct snapshot *snapshot,
                        struct buf *errors) {
  struct generation *generation = script->generation;
  struct loader l = {.script = script,
                     .snapshot = snapshot,
                     .errors = errors,
                     .first = generation->settings == NULL};
  size_t before = errors->len;
  script->snapshot = snapshot;
  script->loading = true;
  script->load_until_ns = clock_thread_cpu_ns() + (int64_t) FIRST_LOAD_MS * 1000000;
  load_all(&l);
  script->loading = false;
  memory_free_spare(&script->memory);

  if (l.first) {
    generation->settings = l.settings;
    generation->site.options = l.settings != NULL ? &l.settings->site : NULL;
    generation->site.router = l.router;
  } else {
    if (l.settings != NULL)
      script->services->free_settings(l.settings);
    router_free(l.router);
  }
  return errors->len == before;
}

static bool load_for_loop(struct generation *g, struct scripts *scripts, unsigned i,
                          struct buf *errors) {
  struct scripts *own = scripts != NULL ? &scripts[i] : NULL;
  struct script *script = script_new(g, &g->services->loops[i], own, g->services, FIRST_MEMORY);
  g->scripts[i] = script;
  if (!load_script(script, g->snapshot, errors))
    return false;
  if (script->nhandlers == g->scripts[0]->nhandlers)
    return true;
  buf_literal(errors, "config.lua:1: the files give other routes each time they are "
                      "loaded: nothing in them may depend on chance\n");
  return false;
}

struct generation *generation_load(const struct services *services, struct scripts *scripts,
                                   struct snapshot *snapshot, uint64_t number,
                                   struct buf *errors) {
  struct generation *g = xcalloc(1, sizeof *g);
  g->services = services;
  g->snapshot = snapshot;
  g->site.number = number;
  g->scripts = xcalloc(services->nloops, sizeof *g->scripts);
  g->site.handle = script_handle;
  g->site.arrived = script_arrived;
  g->site.cancel = script_cancel;
  atomic_init(&g->refs, 1);
  atomic_init(&g->loops, services->nloops);
  for (unsigned i = 0; i < services->nloops; i++)
    if (!load_for_loop(g, scripts, i, errors)) {
      generation_free(g);
      return NULL;
    }
  return g;
}

void generation_free(struct generation *g) {
  for (unsigned i = 0; i < g->services->nloops; i++)
    script_free(g->scripts[i]);
  free(g->scripts);
  router_free((struct router *) g->site.router);
  free_errors(&g->site);
  if (g->settings != NULL)
    g->services->free_settings((struct settings *) g->settings);
  snapshot_free(g->snapshot);
  free(g);
}
