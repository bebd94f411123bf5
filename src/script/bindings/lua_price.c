#include "script/bindings/lua_price.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/table.h"
#include "script/bindings/lua_batch.h"
#include "script/engine/script.h"
#include "script/services.h"
#include "script/settings.h"

enum {
  KINDS = 4,           /* of tokens: input, output, read from and written to the cache */
  MAX_BANDS = 16,
  MAX_RESOLVED = 4096, /* names come from clients: what is remembered of them is bounded */
  MAX_NAME = 256,      /* bytes of one, beyond which it is no model's */
};

/* Rates of requests whose whole prompt has up to so many tokens, in dollars a million tokens; NaN:
 * not known. */
struct band {
  double upto, rates[KINDS], request;
};

struct resolved {
  size_t key_len;
  char *key; /* model, provider, tier; in the same allocation */
  bool varies; /* with more than these: the module is asked for each record */
  size_t nbands;
  struct band bands[];
};

/* One per Lua state. */
struct prices {
  int model, provider, tier, cost, source, tokens[KINDS]; /* columns */
  struct table resolved;
  struct buf key;
};

static const char type_name[] = "prices", registry_key = 0;

static void forget(struct prices *p) {
  for (size_t i = 0; i < p->resolved.cap; i++)
    free(p->resolved.slots[i].item);
  table_clear(&p->resolved);
}

static int l_prices_gc(lua_State *L) {
  struct prices *p = lua_touserdata(L, 1);
  forget(p);
  buf_clear(&p->key);
  return 0;
}

static int column_of(lua_State *L, const char *name) {
  size_t len;
  lua_getfield(L, -1, name);
  const char *s = luaL_checklstring(L, -1, &len);
  int column = schema_column(script_services(L)->schema, s, len);
  lua_pop(L, 1);
  return column >= 0 ? column : luaL_error(L, "lib.native_prices: there is no column \"%s\"", s);
}

/* The module's table columns, which lies at the top. */
static void read_columns(lua_State *L, struct prices *p) {
  static const char *const tokens[KINDS] = {"input", "output", "cache_read", "cache_write"};
  p->model = column_of(L, "model");
  p->provider = column_of(L, "provider");
  p->tier = column_of(L, "tier");
  p->cost = column_of(L, "cost");
  p->source = column_of(L, "source");
  for (size_t i = 0; i < KINDS; i++)
    p->tokens[i] = column_of(L, tokens[i]);
}

/* Pushes the state's prices; below them lies the module. */
static struct prices *push_prices(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key) == LUA_TUSERDATA)
    return lua_touserdata(L, -1);
  lua_pop(L, 1);
  struct prices *p = lua_newuserdatauv(L, sizeof *p, 0);
  memset(p, 0, sizeof *p);
  if (luaL_newmetatable(L, type_name)) {
    lua_pushcfunction(L, l_prices_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  lua_getfield(L, -2, "columns");
  read_columns(L, p);
  lua_pop(L, 1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
  return p;
}

static double number_at(lua_State *L, int i) {
  double n = lua_rawgeti(L, -1, i) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
  lua_pop(L, 1);
  return n;
}

/* { upto, input, output, cache_read, cache_write, request }, at the top. */
static struct band read_band(lua_State *L) {
  struct band band = {.upto = number_at(L, 1), .request = number_at(L, 2 + KINDS)};
  for (int i = 0; i < KINDS; i++)
    band.rates[i] = number_at(L, 2 + i);
  return band;
}

static void push_text(lua_State *L, const struct batch *b, union value v) {
  size_t len;
  const char *s = value_text(&b->text, v, &len);
  if (len > 0 && len <= MAX_NAME)
    lua_pushlstring(L, s, len);
  else
    lua_pushnil(L);
}

/* Asks the module at index; a list of bands, nil, or true where it varies, is what it answers. */
static struct resolved *resolve(lua_State *L, int module, struct prices *p, const struct batch *b,
                                const struct record *r) {
  struct band bands[MAX_BANDS];
  size_t n = 0;
  lua_getfield(L, module, "bands");
  push_text(L, b, r->v[p->model]);
  push_text(L, b, r->v[p->provider]);
  push_text(L, b, r->v[p->tier]);
  lua_call(L, 3, 1);
  bool varies = lua_isboolean(L, -1);
  for (; lua_istable(L, -1) && n < MAX_BANDS && lua_rawgeti(L, -1, (lua_Integer) n + 1) != LUA_TNIL;
       lua_pop(L, 1))
    bands[n++] = read_band(L);
  lua_settop(L, module + 1);
  if (p->resolved.len >= MAX_RESOLVED)
    forget(p);
  struct resolved *known = xcalloc(1, sizeof *known + n * sizeof *bands + p->key.len);
  known->varies = varies;
  known->nbands = n;
  /* cppcheck-suppress uninitvar; the first n have been read */
  memcpy(known->bands, bands, n * sizeof *bands);
  known->key = (char *) (known->bands + n);
  known->key_len = p->key.len;
  memcpy(known->key, p->key.data, p->key.len);
  table_insert(&p->resolved, hash_quickly(known->key, known->key_len), known);
  return known;
}

static bool has_key(const void *item, const void *key) {
  const struct resolved *known = item;
  const struct buf *k = key;
  return known->key_len == k->len && memcmp(known->key, k->data, k->len) == 0;
}

static void put_key(struct buf *key, const struct batch *b, union value v) {
  size_t len;
  const char *s = value_text(&b->text, v, &len);
  buf_append(key, s, len <= MAX_NAME ? len : 0);
  buf_putc(key, '\0');
}

static struct resolved *rates_of(lua_State *L, int module, struct prices *p, const struct batch *b,
                                 const struct record *r) {
  p->key.len = 0;
  put_key(&p->key, b, r->v[p->model]);
  put_key(&p->key, b, r->v[p->provider]);
  put_key(&p->key, b, r->v[p->tier]);
  struct resolved *known =
      table_find(&p->resolved, hash_quickly(p->key.data, p->key.len), has_key, &p->key);
  return known != NULL ? known : resolve(L, module, p, b, r);
}

/* Dollars, to the pico-dollar that sums are kept in; NaN: not known. */
static double cost_of(const struct resolved *known, const struct prices *p,
                      const struct record *r) {
  double prompt = (double) r->v[p->tokens[0]].i + (double) r->v[p->tokens[2]].i +
                  (double) r->v[p->tokens[3]].i;
  size_t i = 0;
  while (i + 1 < known->nbands && prompt > known->bands[i].upto)
    i++;
  if (known->nbands == 0)
    return NAN;
  double dollars = known->bands[i].request * 1e6;
  for (size_t k = 0; k < KINDS; k++)
    if (r->v[p->tokens[k]].i > 0)
      dollars += (double) r->v[p->tokens[k]].i * known->bands[i].rates[k];
  return rint(dollars * 1e6) / 1e12;
}

/* Says what is so unless somebody says otherwise; lib/pricing.lua knows more such words. */
static bool is_usual(const char *member, size_t len) {
  static const char *const members[] = {
      "\"speed\":\"normal\"", "\"speed\":\"standard\"", "\"service_tier\":\"standard\"",
      "\"service_tier\":\"default\"", "\"inference_geo\":\"global\"",
      "\"inference_geo\":\"not_available\""};
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    if (len > strlen(members[i]) && memcmp(member, members[i], strlen(members[i])) == 0)
      return true;
  return false;
}

static bool ends_with(const char *from, const char *end, const char *s, size_t len) {
  return (size_t) (end - from) >= len && memcmp(end - len, s, len) == 0;
}

/* What extra has may change the price: the module says what it is then.  Any name of a member, of
 * objects in it as well, stands before a colon. */
static bool is_plain(const struct batch *b, const struct record *r) {
  static const char *const names[] = {"_tokens\"", "\"web_searches\"", "\"service_tier\"",
                                      "\"speed\"", "\"inference_geo\""};
  const char *extra = b->text.data + r->extra.offset, *end = extra + r->extra.len, *p = extra;
  for (; r->extra.len > 0 && (p = memchr(p, ':', (size_t) (end - p))) != NULL; p++)
    for (size_t i = 0; p[-1] == '"' && i < sizeof names / sizeof *names; i++) {
      size_t len = strlen(names[i]);
      if (ends_with(extra, p, names[i], len) && !is_usual(p - len, (size_t) (end - p) + len))
        return false;
    }
  return true;
}

static double asked_cost(lua_State *L, int module, const struct batch *b, const struct record *r) {
  lua_getfield(L, module, "cost");
  lua_batch_push_record(L, b, r);
  lua_call(L, 1, 1);
  double cost = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
  lua_pop(L, 1);
  return cost;
}

static void set_cost(struct batch *b, struct record *r, const struct prices *p, double cost) {
  bool known = fabs(cost) <= b->schema->columns[p->cost].most; /* NaN is not */
  const char *source = known ? "computed" : "unknown";
  const char *json = known ? "\"computed\"" : "\"unknown\"";
  const struct column *c = &b->schema->columns[p->source];
  if (known) {
    r->v[p->cost].f = cost;
    r->present |= 1ull << p->cost;
  }
  r->v[p->source] = batch_put_text(b, source, strlen(source));
  r->present |= 1ull << p->source;
  if (c->in_extra)
    record_put_extra(b, r, c->name, c->name_len, json, strlen(json));
}

static bool lacks_cost(const struct batch *b, const struct record *r, const struct prices *p) {
  if (record_has(r, p->cost) || record_has(r, p->source) || !b->schema->events[r->event].stored)
    return false;
  for (size_t i = 0; i < KINDS; i++)
    if (r->v[p->tokens[i]].i > 0)
      return true;
  return false;
}

bool lua_price_is_on(lua_State *L) {
  return script_settings(L)->price_native;
}

void lua_price_batch(lua_State *L, struct batch *b) {
  int module = lua_gettop(L) + 1;
  luaL_checkstack(L, 16, NULL);
  if (b->count == 0 || !script_push_prices(L))
    return;
  struct prices *p = push_prices(L);
  for (size_t i = 0; i < b->count; i++) {
    struct record *r = batch_record(b, i);
    if (!lacks_cost(b, r, p))
      continue;
    const struct resolved *known = is_plain(b, r) ? rates_of(L, module, p, b, r) : NULL;
    set_cost(b, r, p, known != NULL && !known->varies ? cost_of(known, p, r)
                                                      : asked_cost(L, module, b, r));
  }
  lua_settop(L, module - 1);
}
