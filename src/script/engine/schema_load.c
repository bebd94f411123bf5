#include "script/engine/schema_load.h"

#include <float.h>
#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/assets.h"
#include "base/mem.h"
#include "script/engine/condition_read.h"

/* The built-in lua/lib/schema_check.lua tells what is wrong with a schema, and brings it into the
 * arrays that are compiled here.  It runs in a state of its own, with a copy of the user's table:
 * no metatable, hook or budget of scripts reaches it. */

static const char checker[] = "lua/lib/schema_check.lua";

enum { MAX_DEPTH = 6, MAX_VALUES = 65536 };

/* require of that state: files of the program, once each. */
static int l_require(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, 2, name) != LUA_TNIL)
    return 1;
  const char *file = lua_pushfstring(L, "lua/%s.lua", luaL_gsub(L, name, ".", "/"));
  const struct asset *asset = assets_find(file);
  if (luaL_loadbufferx(L, asset->data, asset->len, lua_pushfstring(L, "@%s", file), "t") != LUA_OK)
    lua_error(L);
  lua_call(L, 0, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, 2, name);
  return 1;
}

struct loading {
  lua_State *user; /* has what lua/schema.lua returned at its top */
  struct schema
      *schema; /* owns all that is made, so that an error of Lua's may leave from anywhere */
  size_t copied;
};

static int l_stand_in(lua_State *L) {
  (void) L;
  return 0;
}

static void copy_value(struct loading *l, lua_State *L, unsigned depth);

static void copy_table(struct loading *l, lua_State *L, unsigned depth) {
  lua_State *user = l->user;
  luaL_checkstack(L, 4, NULL);
  if (!lua_checkstack(user, 4))
    luaL_error(L, "not enough memory");
  lua_newtable(L);
  for (lua_pushnil(user); lua_next(user, -2); lua_pop(user, 1)) {
    lua_pushvalue(user, -2);
    copy_value(l, L, depth + 1);
    lua_pop(user, 1);
    copy_value(l, L, depth + 1);
    lua_rawset(L, -3);
  }
}

/* What lies at the top of the user's stack; what the checker refuses anyway is not copied whole. */
static void copy_value(struct loading *l, lua_State *L, unsigned depth) {
  int type = lua_type(l->user, -1);
  if (++l->copied > MAX_VALUES)
    luaL_error(L, "schema.lua: it: has more than %d values", MAX_VALUES);
  if (type == LUA_TTABLE && depth < MAX_DEPTH)
    copy_table(l, L, depth);
  else if (type == LUA_TSTRING)
    lua_pushlstring(L, lua_tostring(l->user, -1), lua_rawlen(l->user, -1));
  else if (type == LUA_TBOOLEAN)
    lua_pushboolean(L, lua_toboolean(l->user, -1));
  else if (type == LUA_TNUMBER && lua_isinteger(l->user, -1))
    lua_pushinteger(L, lua_tointeger(l->user, -1));
  else if (type == LUA_TNUMBER)
    lua_pushnumber(L, lua_tonumber(l->user, -1));
  else if (type == LUA_TFUNCTION)
    lua_pushcfunction(L, l_stand_in);
  else if (type == LUA_TNIL)
    lua_pushnil(L);
  else
    lua_pushlightuserdata(L, l);
}

/* Reading what was checked: the table at the top of the stack */

static lua_Integer whole(lua_State *L, const char *key, lua_Integer min, lua_Integer max) {
  int is_whole;
  lua_getfield(L, -1, key);
  lua_Integer n = lua_tointegerx(L, -1, &is_whole);
  if (!is_whole || n < min || n > max)
    luaL_error(L, "%s: %s is no number from %I to %I", checker, key, min, max);
  lua_pop(L, 1);
  return n;
}

static double real(lua_State *L, const char *key) {
  lua_getfield(L, -1, key);
  double n = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return n;
}

static bool flag(lua_State *L, const char *key) {
  lua_getfield(L, -1, key);
  bool on = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return on;
}

static const char *text(struct schema *s, lua_State *L, const char *key) {
  lua_getfield(L, -1, key);
  const char *found = schema_keep(s, xstrdup(luaL_checkstring(L, -1)));
  lua_pop(L, 1);
  return found;
}

/* NULL where there is none. */
static const char *text_or_none(struct schema *s, lua_State *L, const char *key) {
  bool none = lua_getfield(L, -1, key) == LUA_TNIL;
  lua_pop(L, 1);
  return none ? NULL : text(s, L, key);
}

/* Pushes a list. */
static size_t list(lua_State *L, const char *key, size_t max) {
  lua_getfield(L, -1, key);
  luaL_checktype(L, -1, LUA_TTABLE);
  size_t count = lua_rawlen(L, -1);
  if (count > max)
    luaL_error(L, "%s: more than %d %s", checker, (int) max, key);
  return count;
}

/* A number of the list at the top. */
static lua_Integer whole_at(lua_State *L, size_t i, lua_Integer min, lua_Integer max) {
  lua_rawgeti(L, -1, (lua_Integer) i + 1);
  lua_Integer n = luaL_checkinteger(L, -1);
  if (n < min || n > max)
    luaL_error(L, "%s: no number from %I to %I", checker, min, max);
  lua_pop(L, 1);
  return n;
}

typedef void (*read_entry)(struct schema *s, lua_State *L, size_t i);

static void each(struct schema *s, lua_State *L, const char *key, read_entry read) {
  size_t count = list(L, key, MAX_VALUES);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (lua_Integer) i + 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    read(s, L, i);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Room for the entries of a list. */
static void *make(struct schema *s, lua_State *L, const char *key, size_t size, size_t max) {
  size_t count = list(L, key, max);
  lua_pop(L, 1);
  return schema_keep(s, xcalloc(count + 1, size));
}

static struct conditions *conditions(struct schema *s, lua_State *L, const char *key) {
  struct buf why = {0};
  struct conditions *found = NULL;
  if (lua_getfield(L, -1, key) != LUA_TNIL && (found = conditions_read(L, -1, s, &why)) == NULL) {
    lua_getfield(L, -2, "where");
    lua_pushlstring(L, why.data, why.len);
    buf_clear(&why);
    luaL_error(L, "schema.lua: %s: %s: %s", lua_tostring(L, -2), key, lua_tostring(L, -1));
  }
  lua_pop(L, 1);
  return found;
}

static void read_default(struct schema *s, lua_State *L, struct column *c, size_t i) {
  c->text = "";
  if (c->type == COLUMN_STRING)
    c->text = text(s, L, "default");
  else if (c->type == COLUMN_FLOAT)
    c->value.f = real(L, "default");
  else
    c->value.i = whole(L, "default", INT64_MIN, INT64_MAX);
  if (c->type != COLUMN_STRING)
    s->defaults[i] = c->value;
  s->texts |= (uint64_t) (c->type == COLUMN_STRING && *c->text != '\0') << i;
}

static void read_by_event(struct schema *s, lua_State *L, struct column *c, size_t i) {
  if (lua_getfield(L, -1, "by_event") == LUA_TTABLE) {
    c->by_event = schema_keep(s, xcalloc(SCHEMA_MAX_EVENTS, sizeof *c->by_event));
    s->by_event |= 1ull << i;
    for (size_t e = 0, n = lua_rawlen(L, -1); e < n && e < SCHEMA_MAX_EVENTS; e++)
      c->by_event[e] = whole_at(L, e, INT64_MIN, INT64_MAX);
  }
  lua_pop(L, 1);
}

static void read_column(struct schema *s, lua_State *L, size_t i) {
  struct column *c = &s->columns[i];
  c->name = text(s, L, "name");
  c->name_len = strlen(c->name);
  char *json = schema_keep(s, xmalloc(c->name_len + 4));
  c->json_len = (size_t) sprintf(json, "\"%s\":", c->name);
  c->json = json;
  c->type = (enum column_type) whole(L, "type", COLUMN_STRING, COLUMN_TIME);
  c->in_extra = flag(L, "in_extra");
  c->is_dimension = flag(L, "dimension");
  c->is_measure = flag(L, "measure");
  c->is_public = !c->in_extra && !c->is_dimension && !c->is_measure;
  s->publics |= (uint64_t) c->is_public << i;
  c->from = (int) whole(L, "from", -1, SCHEMA_MAX_COLUMNS - 1);
  c->from_scale = real(L, "scale");
  c->most = DBL_MAX;
  read_default(s, L, c, i);
  read_by_event(s, L, c, i);
  s->derived |= (uint64_t) (c->from >= 0) << i;
  s->rescaled |= (uint64_t) (c->from >= 0 && c->from_scale != 1) << i;
  s->strings |= (uint64_t) (c->type == COLUMN_STRING) << i;
  s->in_extra |= (uint64_t) c->in_extra << i;
  s->nstored += !c->in_extra;
  s->ncolumns++;
}

/* Its conditions may be about any column. */
static void read_unknown(struct schema *s, lua_State *L, size_t i) {
  s->columns[i].unknown = conditions(s, L, "unknown");
}

static void read_name(struct schema *s, lua_State *L, size_t i) {
  struct column_name *n = &s->names[i];
  const char *name = text(s, L, "name");
  n->len = strnlen(name, SCHEMA_MAX_NAME);
  memcpy(n->name, name, n->len);
  n->column = (int) whole(L, "column", NAME_OF_EVENT, (lua_Integer) s->ncolumns - 1);
  n->alias = flag(L, "alias");
  n->scale = real(L, "scale");
  s->nnames++;
}

static void read_event(struct schema *s, lua_State *L, size_t i) {
  struct event_type *e = &s->events[i];
  e->name = text(s, L, "name");
  e->stored = flag(L, "stored");
  e->filtered = flag(L, "filtered");
  e->opens = flag(L, "opens");
  e->closes = flag(L, "closes");
  e->nfields = list(L, "fields", SCHEMA_MAX_COLUMNS);
  for (size_t k = 0; k < e->nfields; k++) {
    e->order[k] = (int) whole_at(L, k, 0, (lua_Integer) s->ncolumns - 1);
    e->fields |= 1ull << e->order[k];
  }
  lua_pop(L, 1);
  s->nevents++;
}

static uint64_t read_set_of_columns(struct schema *s, lua_State *L, const char *key) {
  uint64_t columns = 0;
  size_t count = list(L, key, SCHEMA_MAX_COLUMNS);
  for (size_t i = 0; i < count; i++)
    columns |= 1ull << whole_at(L, i, 0, (lua_Integer) s->ncolumns - 1);
  lua_pop(L, 1);
  return columns;
}

static size_t read_texts(struct schema *s, lua_State *L, const char *key, const char **texts,
                         size_t max) {
  size_t count = list(L, key, max);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, -1, (lua_Integer) i + 1);
    texts[i] = schema_keep(s, xstrdup(luaL_checkstring(L, -1)));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return count;
}

static void read_cost(struct schema *s, lua_State *L) {
  struct cost *cost = &s->cost;
  lua_getfield(L, -1, "cost");
  luaL_checktype(L, -1, LUA_TTABLE);
  cost->column = (int) whole(L, "column", -1, (lua_Integer) s->ncolumns - 1);
  cost->source = (int) whole(L, "source", -1, (lua_Integer) s->ncolumns - 1);
  cost->parts = (int) whole(L, "parts", -1, (lua_Integer) s->ncolumns - 1);
  cost->nranks = read_texts(s, L, "ranks", cost->ranks, SCHEMA_MAX_RANKS);
  cost->nbasis_members = read_texts(s, L, "basis_members", cost->basis_members, SCHEMA_MAX_BASIS);
  cost->basis = read_set_of_columns(s, L, "basis");
  cost->split = read_set_of_columns(s, L, "split");
  cost->columns = cost->split | read_set_of_columns(s, L, "with");
  if (cost->column >= 0)
    cost->columns |= 1ull << cost->column | 1ull << cost->source;
  lua_pop(L, 1);
}

static void read_measure(struct schema *s, lua_State *L, size_t i) {
  struct measure *m = &s->measures[i];
  m->name = text(s, L, "name");
  m->column = (int) whole(L, "column", -1, (lua_Integer) s->ncolumns - 1);
  m->kind = m->column >= 0 ? MEASURE_SUM : MEASURE_COUNT;
  m->scale = real(L, "scale");
  if (m->column >= 0 && fabs(0x1p63 / m->scale) < s->columns[m->column].most)
    s->columns[m->column].most = fabs(0x1p63 / m->scale);
  s->nmeasures++; /* from here schema_free releases its condition */
  m->when = conditions(s, L, "when");
}

static void read_sketch(struct schema *s, lua_State *L, size_t i) {
  struct sketched *k = &s->sketches[i];
  k->name = text(s, L, "name");
  k->value = (int) whole(L, "value", 0, (lua_Integer) s->ncolumns - 1);
  k->per = (int) whole(L, "per", -1, (lua_Integer) s->ncolumns - 1);
  s->nsketches++; /* from here schema_free releases its condition */
  k->when = conditions(s, L, "when");
}

static void read_set(struct schema *s, lua_State *L, size_t i) {
  struct rollup_set *set = &s->sets[i];
  set->name = text(s, L, "name");
  set->tiers = (uint8_t) whole(L, "tiers", 1, (1 << TIERS) - 1);
  set->max_keys = (uint32_t) whole(L, "max_keys", 0, 1000000);
  set->nby = list(L, "by", SCHEMA_MAX_BY);
  for (size_t k = 0; k < set->nby; k++)
    set->by[k] = (int) whole_at(L, k, 0, (lua_Integer) s->ncolumns - 1);
  lua_pop(L, 1);
  s->nsets++;
}

/* Of the family that is read last. */
static void read_label(struct schema *s, lua_State *L, size_t i) {
  struct family *f = &s->families[s->nfamilies - 1];
  f->labels[i] =
      (struct label){.name = text(s, L, "name"),
                     .column = (int) whole(L, "column", -1, (lua_Integer) s->ncolumns - 1),
                     .text = text(s, L, "text"),
                     .prefix = text_or_none(s, L, "prefix")};
  f->nlabels++;
}

static void read_bounds(struct schema *s, lua_State *L, struct family *f) {
  double *bounds = make(s, L, "bounds", sizeof *bounds, MAX_VALUES);
  f->nbounds = list(L, "bounds", MAX_VALUES);
  for (size_t k = 0; k < f->nbounds; k++) {
    lua_rawgeti(L, -1, (lua_Integer) k + 1);
    bounds[k] = luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  f->bounds = bounds;
}

static void read_family(struct schema *s, lua_State *L, size_t i) {
  struct family *f = &s->families[i];
  s->nfamilies++;
  f->kind = (enum family_kind) whole(L, "kind", FAMILY_COUNTER, FAMILY_HISTOGRAM);
  f->name = text(s, L, "name");
  f->help = text(s, L, "help");
  f->value = (int) whole(L, "value", -1, (lua_Integer) s->ncolumns - 1);
  f->scale = real(L, "scale");
  f->events = (uint32_t) whole(L, "events", 0, (1 << SCHEMA_MAX_EVENTS) - 1);
  f->labels = make(s, L, "labels", sizeof *f->labels, MAX_VALUES);
  each(s, L, "labels", read_label);
  read_bounds(s, L, f);
  f->when = conditions(s, L, "when");
}

static void compile(struct schema *s, lua_State *L) {
  s->columns = make(s, L, "columns", sizeof *s->columns, SCHEMA_MAX_COLUMNS);
  s->defaults = make(s, L, "columns", sizeof *s->defaults, SCHEMA_MAX_COLUMNS);
  s->names = make(s, L, "names", sizeof *s->names, SCHEMA_MAX_NAMES);
  s->measures = make(s, L, "measures", sizeof *s->measures, SCHEMA_MAX_MEASURES);
  s->sketches = make(s, L, "sketches", sizeof *s->sketches, SCHEMA_MAX_SKETCHES);
  s->sets = make(s, L, "sets", sizeof *s->sets, SCHEMA_MAX_SETS);
  s->families = make(s, L, "families", sizeof *s->families, MAX_VALUES);
  make(s, L, "events", 1, SCHEMA_MAX_EVENTS);
  each(s, L, "columns", read_column);
  lua_Integer last = (lua_Integer) s->ncolumns - 1;
  s->id = (int) whole(L, "id", 0, last);
  s->other_id = (int) whole(L, "other_id", -1, last);
  s->time = (int) whole(L, "time", 0, last);
  s->duration = (int) whole(L, "duration", 0, last);
  s->status = (int) whole(L, "status", 0, last);
  each(s, L, "columns", read_unknown);
  each(s, L, "names", read_name);
  each(s, L, "events", read_event);
  s->default_event = (int) whole(L, "default_event", 0, (lua_Integer) s->nevents - 1);
  read_cost(s, L);
  each(s, L, "measures", read_measure);
  each(s, L, "sketches", read_sketch);
  each(s, L, "sets", read_set);
  each(s, L, "families", read_family);
  s->topic = text(s, L, "topic");
  s->overflow = text(s, L, "overflow");
  s->disconnect = text(s, L, "disconnect");
  schema_index(s);
}

static void push_limits(lua_State *L) {
  static const struct {
    const char *name;
    int most;
  } limits[] = {{"columns", SCHEMA_MAX_COLUMNS},   {"events", SCHEMA_MAX_EVENTS},
                {"measures", SCHEMA_MAX_MEASURES}, {"by", SCHEMA_MAX_BY},
                {"sketches", SCHEMA_MAX_SKETCHES}, {"sets", SCHEMA_MAX_SETS},
                {"names", SCHEMA_MAX_NAMES},       {"name", SCHEMA_MAX_NAME},
                {"ranks", SCHEMA_MAX_RANKS},   {"basis", SCHEMA_MAX_BASIS}};
  lua_newtable(L);
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    lua_pushinteger(L, limits[i].most);
    lua_setfield(L, -2, limits[i].name);
  }
}

static int l_load(lua_State *L) {
  static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},
                                       {LUA_STRLIBNAME, luaopen_string},
                                       {LUA_TABLIBNAME, luaopen_table},
                                       {LUA_MATHLIBNAME, luaopen_math}};
  struct loading *l = lua_touserdata(L, 1);
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
    luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
  lua_settop(L, 0);
  lua_register(L, "require", l_require);
  lua_pushcfunction(L, l_require);
  lua_pushliteral(L, "lib.schema_check");
  lua_call(L, 1, 1);
  copy_value(l, L, 0);
  push_limits(L);
  lua_call(L, 2, 1);
  compile(l->schema, L);
  return 0;
}

struct schema *schema_load(lua_State *L, struct buf *error) {
  struct loading l = {.user = L, .schema = schema_new()};
  lua_State *own = luaL_newstate();
  int top = lua_gettop(L);
  lua_pushcfunction(own, l_load);
  lua_pushlightuserdata(own, &l);
  if (lua_pcall(own, 1, 0, 0) != LUA_OK) {
    buf_puts(error, lua_tostring(own, -1));
    schema_free(l.schema);
    l.schema = NULL;
  }
  lua_settop(L, top);
  lua_close(own);
  return l.schema;
}
