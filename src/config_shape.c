/* Lists and tables of config.lua.  A list that has keys is a list without its inner braces:
 * tokens = { token = ".." } would be none of all. */
#include "config_shape.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/string_list.h"
#include "script/engine/lua_list.h"

static const struct shaped {
  const char *name;
  const char *list; /* what one looks like; NULL: a table, by name */
} all[] = {
    {"hosts", "{ \"stats.example\" }"},
    {"tokens", "{ { token = \"..\", scopes = { \"read\" } } }"},
    {"routes", "{ { \"GET\", \"/path\", \"routes.file\" } }"},
    {"alerts", "{ \"alerts.latency\", { name = \"..\", .. } }"},
    {"budgets", "{ { name = \"all\", limit_usd = 100 } }"},
    {"cors.origins", "{ \"https://dash.example.com\" }"},
    {"metrics.labels", "{ \"team\" }"},
    {"outside.allow", "{ \"hooks.example.com\" }"},
    {"notify", NULL},
    {"captures", NULL},
    {"settings", NULL},
    {"pricing.overrides", NULL},
    {"storage.retention", NULL},
};

enum { SHAPED = sizeof all / sizeof *all };

bool config_is_shaped(const char *name) {
  size_t i = 0;
  while (i < SHAPED && strcmp(all[i].name, name) != 0)
    i++;
  return i < SHAPED;
}

bool config_has_shaped(const char *section) {
  size_t i = 0, len = strlen(section);
  while (i < SHAPED && (strncmp(all[i].name, section, len) != 0 || all[i].name[len] != '.'))
    i++;
  return i < SHAPED;
}

void config_push_shaped(lua_State *L, const char *name) {
  const char *dot = strchr(name, '.');
  if (dot == NULL) {
    lua_getfield(L, -1, name);
    return;
  }
  lua_pushlstring(L, name, (size_t) (dot - name));
  if (lua_gettable(L, -2) == LUA_TTABLE)
    lua_getfield(L, -1, dot + 1);
  else
    lua_pushnil(L);
  lua_remove(L, -2);
}

bool config_is_list(lua_State *L, struct buf *why) {
  if (!lua_istable(L, -1)) {
    buf_printf(why, "got a %s", luaL_typename(L, -1));
    return false;
  }
  if (!lua_list_push_key(L, -1))
    return true;
  buf_printf(why, "found the key %.60s", luaL_tolstring(L, -1, NULL));
  lua_pop(L, 2);
  return false;
}

/* The value at the top. */
static void check(lua_State *L, const struct shaped *s, struct buf *errors) {
  struct buf why = {0};
  if (s->list != NULL && !config_is_list(L, &why))
    buf_printf(errors, "config.lua: %s: expected a list such as %s, %.*s\n", s->name, s->list,
               (int) why.len, why.data);
  else if (!lua_istable(L, -1))
    buf_printf(errors, "config.lua: %s: expected a table, got a %s\n", s->name,
               luaL_typename(L, -1));
  buf_clear(&why);
}

void config_check_keys(lua_State *L, const char *place, const char *const *known,
                       struct buf *errors) {
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 2)) {
    const char *key = luaL_tolstring(L, -2, NULL);
    if (lua_type(L, -3) == LUA_TSTRING && strings_have(known, key))
      continue;
    buf_printf(errors, "config.lua: %s.%.60s: unknown key; there are ", place, key);
    for (size_t i = 0; known[i] != NULL; i++)
      buf_printf(errors, "%s%s", i > 0 ? ", " : "", known[i]);
    buf_putc(errors, '\n');
  }
}

/* What lua/lib/prices.lua says of Rates: the table at the top. */
static void check_rates(lua_State *L, const char *place, struct buf *errors) {
  enum { NUMBERS = 14 }; /* the others are tables */
  static const char *const known[] = {
      "input",       "output",       "cache_read",  "cache_write",  "cache_write_1h", "reasoning",
      "audio_input", "audio_output", "image_input", "image_output", "web_search",     "request",
      "fast",        "regional",     "geo",         "tiers",        "above",          "ranges",
      "off_peak",    NULL};
  config_check_keys(L, place, known, errors);
  for (size_t i = 0; known[i] != NULL; i++) {
    int wanted = i < NUMBERS ? LUA_TNUMBER : LUA_TTABLE;
    int type = lua_getfield(L, -1, known[i]);
    if (type != LUA_TNIL && type != wanted)
      buf_printf(errors, "config.lua: %s.%s: expected %s, got a %s\n", place, known[i],
                 wanted == LUA_TNUMBER ? "dollars" : "a table", lua_typename(L, type));
    lua_pop(L, 1);
  }
}

/* Prices by model, at the top. */
static void check_overrides(lua_State *L, struct buf *errors) {
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 2)) {
    char place[100];
    snprintf(place, sizeof place, "pricing.overrides.%.70s", luaL_tolstring(L, -2, NULL));
    lua_insert(L, -2);
    if (lua_istable(L, -1))
      check_rates(L, place, errors);
    else
      buf_printf(errors, "config.lua: %s: expected a table such as { input = 1, output = 4 }, "
                 "got a %s\n", place, luaL_typename(L, -1));
  }
}

void config_check_shapes(lua_State *L, struct buf *errors) {
  for (const struct shaped *s = all; s < all + SHAPED; s++) {
    config_push_shaped(L, s->name);
    if (!lua_isnil(L, -1))
      check(L, s, errors);
    lua_pop(L, 1);
  }
  config_push_shaped(L, "pricing.overrides");
  if (lua_istable(L, -1))
    check_overrides(L, errors);
  lua_pop(L, 1);
}
