#include <lua.h>
#include <math.h>

#include "base/mem.h"
#include "record/schema_read.h"

/* Measures, the sketches and the rollup sets of lua/schema.lua. */

static bool read_measure(struct schema_reader *r, const char *where, size_t i) {
  static const char *const keys[] = {"sum", "scale", "when", NULL};
  struct schema *s = r->schema;
  struct measure *m = &s->measures[i];
  m->name = reader_item(r, where, 1, "a name");
  m->column = -1;
  m->scale = 1;
  if (m->name == NULL || !reader_keys(r, where, keys) || !reader_column(r, where, "sum", &m->column) ||
      !reader_number(r, where, "scale", &m->scale))
    return false;
  if (schema_measure(s, m->name, strlen(m->name)) >= 0)
    return reader_fail(r, where, "there is a measure \"%s\" already", m->name);
  s->nmeasures++; /* from here schema_free releases its condition */
  if (!reader_conditions(r, where, "when", &m->when))
    return false;
  m->kind = m->column >= 0 ? MEASURE_SUM : MEASURE_COUNT;
  if (m->kind == MEASURE_SUM && s->columns[m->column].type != COLUMN_INTEGER &&
      s->columns[m->column].type != COLUMN_FLOAT)
    return reader_fail(r, where, "sum: \"%s\" is no number", s->columns[m->column].name);
  return (m->scale > 0 && isfinite(m->scale)) || reader_fail(r, where, "scale must be a positive number");
}

static bool is_number(const struct schema *s, int column) {
  return s->columns[column].type == COLUMN_FLOAT || s->columns[column].type == COLUMN_INTEGER;
}

static bool read_sketch(struct schema_reader *r, const char *where, size_t i) {
  static const char *const keys[] = {"value", "per", "when", NULL};
  struct schema *s = r->schema;
  struct sketched *k = &s->sketches[i];
  k->name = reader_item(r, where, 1, "a name");
  k->value = k->per = -1;
  if (k->name == NULL || !reader_keys(r, where, keys) || !reader_column(r, where, "value", &k->value) ||
      !reader_column(r, where, "per", &k->per))
    return false;
  s->nsketches++; /* from here schema_free releases its condition */
  if (k->value < 0 || !is_number(s, k->value) || (k->per >= 0 && !is_number(s, k->per)))
    return reader_fail(r, where, "value must be a column of numbers, and per too if it is there");
  return reader_conditions(r, where, "when", &k->when);
}

static bool read_tiers(struct schema_reader *r, const char *where, struct rollup_set *set) {
  static const char *const names[] = {"minute", "hour", "day"};
  lua_State *L = r->L;
  lua_pushliteral(L, "tiers");
  int type = lua_rawget(L, -2);
  bool ok = type == LUA_TNIL || type == LUA_TTABLE || reader_fail(r, where, "tiers must be a list");
  set->tiers = type == LUA_TTABLE ? 0 : (1 << TIERS) - 1;
  for (size_t i = 0, n = ok && type == LUA_TTABLE ? lua_rawlen(L, -1) : 0; ok && i < n; i++) {
    const char *name = reader_item(r, where, (int) i + 1, "a tier");
    size_t tier = 0;
    while (name != NULL && tier < TIERS && strcmp(name, names[tier]) != 0)
      tier++;
    ok = name != NULL &&
         (tier < TIERS || reader_fail(r, where, "\"%s\" is no tier: minute, hour or day", name));
    set->tiers |= (uint8_t) (1 << tier);
  }
  lua_pop(L, 1);
  return ok && (set->tiers != 0 || reader_fail(r, where, "tiers is empty"));
}

static bool add_by(struct schema_reader *r, const char *where, struct rollup_set *set, const char *name) {
  int column = schema_column(r->schema, name, strlen(name));
  if (column < 0)
    return reader_fail(r, where, "by: there is no column \"%s\"", name);
  enum column_type type = r->schema->columns[column].type;
  if (r->schema->columns[column].in_extra || type == COLUMN_FLOAT || type == COLUMN_TIME)
    return reader_fail(r, where,
                       "by: cells cannot be kept by \"%s\": a string, integer or boolean column can", name);
  if (set->nby == SCHEMA_MAX_BY)
    return reader_fail(r, where, "by: more than %d columns", SCHEMA_MAX_BY);
  for (size_t i = 0; i < set->nby; i++)
    if (set->by[i] == column)
      return reader_fail(r, where, "by: \"%s\" stands there twice", name);
  set->by[set->nby++] = column;
  return true;
}

static bool read_by(struct schema_reader *r, const char *where, struct rollup_set *set) {
  lua_State *L = r->L;
  struct buf name = {0};
  lua_pushliteral(L, "by");
  bool ok = lua_rawget(L, -2) == LUA_TTABLE || reader_fail(r, where, "by must be a list of columns");
  for (size_t i = 0, n = ok ? lua_rawlen(L, -1) : 0; ok && i < n; i++) {
    const char *column = reader_item(r, where, (int) i + 1, "the name of a column");
    ok = column != NULL && add_by(r, where, set, column);
    if (ok)
      buf_printf(&name, "%s%s", i > 0 ? "_" : "", column);
  }
  lua_pop(L, 1);
  buf_append(&name, "", 1);
  set->name = schema_keep(r->schema, xstrdup(set->nby > 0 ? name.data : "all"));
  buf_clear(&name);
  return ok;
}

/* The key of a full bucket's rest is a text. */
static bool read_max_keys(struct schema_reader *r, const char *where, struct rollup_set *set) {
  double max_keys = 0;
  if (!reader_number(r, where, "max_keys", &max_keys))
    return false;
  if (!(max_keys >= 0 && max_keys <= 1e6) || max_keys != rint(max_keys))
    return reader_fail(r, where, "max_keys must be a whole number up to 1000000");
  set->max_keys = (uint32_t) max_keys;
  for (size_t i = 0; set->max_keys > 0 && i < set->nby; i++)
    if (r->schema->columns[set->by[i]].type != COLUMN_STRING)
      return reader_fail(r, where, "max_keys: \"%s\" is no string", r->schema->columns[set->by[i]].name);
  return true;
}

static bool read_set(struct schema_reader *r, const char *where, size_t i) {
  static const char *const keys[] = {"by", "tiers", "max_keys", NULL};
  struct schema *s = r->schema;
  struct rollup_set *set = &s->sets[i];
  if (!reader_keys(r, where, keys) || !read_by(r, where, set) || !read_tiers(r, where, set) ||
      !read_max_keys(r, where, set))
    return false;
  for (size_t k = 0; k < i; k++)
    if (strcmp(s->sets[k].name, set->name) == 0)
      return reader_fail(r, where, "there is a rollup by %s already", set->name);
  s->nsets++;
  return true;
}

bool schema_read_sums(struct schema_reader *r) {
  struct schema *s = r->schema;
  s->measures = schema_keep(s, xcalloc(SCHEMA_MAX_MEASURES, sizeof *s->measures));
  s->sketches = schema_keep(s, xcalloc(SCHEMA_MAX_SKETCHES, sizeof *s->sketches));
  s->sets = schema_keep(s, xcalloc(reader_length(r, "rollups") + 1, sizeof *s->sets));
  return reader_list(r, "measures", SCHEMA_MAX_MEASURES, read_measure) &&
         reader_list(r, "sketches", SCHEMA_MAX_SKETCHES, read_sketch) && reader_list(r, "rollups", 32, read_set);
}
