#include "config_retention.h"

#include <lua.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "config_shape.h"

#define RETENTION(member) offsetof(struct config, storage.retention.member)

enum { LEAST_AGE_S = 60, MOST_DAYS = 366 * 1000 };

static const struct limit {
  const char *key;
  size_t offset;
  int64_t least; /* bytes; 0: an age */
} limits[] = {
    {"rows", RETENTION(rows_s), 0},
    {"minute", RETENTION(minute_s), 0},
    {"hour", RETENTION(hour_s), 0},
    {"day", RETENTION(day_s), 0},
    {"max_bytes", RETENTION(max_bytes), INT64_C(64) << 20},
    {"min_free", RETENTION(min_free), INT64_C(1) << 20},
};

enum { LIMITS = sizeof limits / sizeof *limits };

static int64_t unit_seconds(const char *unit) {
  static const struct {
    const char *name;
    int64_t seconds;
  } units[] = {{"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400}, {"y", 365 * 86400}};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcmp(unit, units[i].name) == 0)
      return units[i].seconds;
  return 0;
}

/* "36h" in seconds; 0: it is no age. */
static int64_t age_of(const char *text) {
  char *end;
  if (*text < '0' || *text > '9')
    return 0;
  long n = strtol(text, &end, 10);
  int64_t unit = unit_seconds(end);
  if (unit == 0 || n <= 0 || n > MOST_DAYS)
    return 0;
  int64_t age = n * unit;
  return age >= LEAST_AGE_S && age / 86400 <= MOST_DAYS ? age : 0;
}

/* The value at the top; 0: it does not fit. */
static int64_t value_of(lua_State *L, const struct limit *limit) {
  if (limit->least == 0)
    return lua_type(L, -1) == LUA_TSTRING ? age_of(lua_tostring(L, -1)) : 0;
  int is_integer = 0;
  lua_Integer n = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &is_integer) : 0;
  return is_integer && n >= limit->least ? n : 0;
}

static void complain(struct buf *errors, lua_State *L, const struct limit *limit) {
  buf_printf(errors, "config.lua: storage.retention.%s: ", limit->key);
  if (limit->least == 0)
    buf_literal(errors, "expected an age of at least a minute, such as \"36h\", \"90d\" or "
                        "\"2y\" (m, h, d, w, y)");
  else
    buf_printf(errors, "expected bytes, an integer of at least %lld", (long long) limit->least);
  if (lua_type(L, -1) == LUA_TSTRING || lua_type(L, -1) == LUA_TNUMBER) {
    lua_pushvalue(L, -1);
    buf_printf(errors, ", got %.60s\n", lua_tostring(L, -1));
    lua_pop(L, 1);
  } else {
    buf_printf(errors, ", got a %s\n", luaL_typename(L, -1));
  }
}

static void read_limit(struct config *config, lua_State *L, const struct limit *limit,
                       struct buf *errors) {
  if (lua_getfield(L, -1, limit->key) != LUA_TNIL) {
    int64_t value = value_of(L, limit);
    memcpy((char *) config + limit->offset, &value, sizeof value);
    if (value == 0)
      complain(errors, L, limit);
  }
  lua_pop(L, 1);
}

void config_read_retention(struct config *config, lua_State *L, struct buf *errors) {
  static const char *const known[] = {"rows",      "minute",   "hour", "day",
                                      "max_bytes", "min_free", NULL};
  config_push_shaped(L, "storage.retention");
  config_check_keys(L, "storage.retention", known, errors);
  for (size_t i = 0; i < LIMITS; i++)
    read_limit(config, L, &limits[i], errors);
  lua_pop(L, 1);
}
