#include <lua.h>
#include <stdio.h>

#include "record/schema_read.h"

/* What merging takes together: the table cost of lua/schema.lua. */

typedef bool take_text(struct schema_reader *r, const char *text, void *into);

/* The list under key of the table at the top of the stack. */
static bool each_text(struct schema_reader *r, const char *key, size_t max, take_text *take, void *into) {
  lua_State *L = r->L;
  char where[64];
  snprintf(where, sizeof where, "cost.%s", key);
  lua_pushstring(L, key);
  int type = lua_rawget(L, -2);
  size_t n = type == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
  bool ok = type == LUA_TNIL || (type == LUA_TTABLE && n <= max) ||
            reader_fail(r, where, "expected a list of at most %zu", max);
  for (size_t i = 0; ok && i < n; i++) {
    const char *text = reader_item(r, where, (int) i + 1, "a text");
    ok = text != NULL && take(r, text, into);
  }
  lua_pop(L, 1);
  return ok;
}

static bool take_rank(struct schema_reader *r, const char *text, void *into) {
  (void) into;
  r->schema->cost.ranks[r->schema->cost.nranks++] = text;
  return true;
}

static bool take_column(struct schema_reader *r, const char *text, void *into) {
  int column = schema_column(r->schema, text, strlen(text));
  if (column < 0)
    return reader_fail(r, "cost", "there is no column \"%s\"", text);
  *(uint64_t *) into |= 1ull << column;
  return true;
}

static bool read_cost(struct schema_reader *r) {
  static const char *const keys[] = {"column", "source", "ranks", "split", "with", NULL};
  struct schema *s = r->schema;
  struct cost *cost = &s->cost;
  if (!reader_keys(r, "cost", keys) || !reader_column(r, "cost", "column", &cost->column) ||
      !reader_column(r, "cost", "source", &cost->source) ||
      !each_text(r, "ranks", sizeof cost->ranks / sizeof *cost->ranks, take_rank, NULL) ||
      !each_text(r, "split", SCHEMA_MAX_COLUMNS, take_column, &cost->split) ||
      !each_text(r, "with", SCHEMA_MAX_COLUMNS, take_column, &cost->columns))
    return false;
  if (cost->column < 0 || cost->source < 0 || cost->nranks == 0)
    return reader_fail(r, "cost", "expected column, source and ranks");
  if (s->columns[cost->source].type != COLUMN_STRING)
    return reader_fail(r, "cost", "source: \"%s\" is no string", s->columns[cost->source].name);
  cost->columns |= cost->split | 1ull << cost->column | 1ull << cost->source;
  if ((cost->columns >> s->time & 1) != 0 || (cost->columns >> s->id & 1) != 0)
    return reader_fail(r, "cost", "neither the id nor the time follows a cost");
  return true;
}

bool schema_read_cost(struct schema_reader *r) {
  lua_State *L = r->L;
  lua_pushliteral(L, "cost");
  int type = lua_rawget(L, -2);
  bool ok = type == LUA_TNIL || (type == LUA_TTABLE ? read_cost(r) : reader_fail(r, "cost", "expected a table"));
  lua_pop(L, 1);
  return ok;
}
