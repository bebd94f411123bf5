#include "script/bindings/lua_counts.h"

#include <lauxlib.h>
#include <string.h>

#include "base/hash.h"
#include "script/engine/script.h"
#include "script/services.h"

enum { MAX_GROUPS = 32 };

struct group {
  uint64_t hash;
  const struct record *of; /* its first; NULL: what is beyond the others */
  lua_Integer records;
};

/* The name at the top. */
static int column_at(lua_State *L, int index) {
  const struct schema *schema = script_services(L)->schema;
  size_t len;
  const char *name = luaL_tolstring(L, -1, &len);
  int column = schema_column(schema, name, len);
  if (column < 0 || schema->columns[column].type != COLUMN_STRING)
    luaL_argerror(L, index, lua_pushfstring(L, "%s is no column of texts", name));
  lua_pop(L, 2);
  return column;
}

struct counted_by lua_counts_check(lua_State *L, int index) {
  struct counted_by by = {0};
  if (lua_isnoneornil(L, index))
    return by;
  luaL_checktype(L, index, LUA_TTABLE);
  by.ncolumns = lua_rawlen(L, index);
  luaL_argcheck(L, by.ncolumns > 0 && by.ncolumns <= COUNTED_COLUMNS, index,
                "a list of up to 4 columns expected");
  for (size_t i = 0; i < by.ncolumns; i++) {
    lua_rawgeti(L, index, (lua_Integer) i + 1);
    by.columns[i] = column_at(L, index);
  }
  return by;
}

static uint64_t hash_of(const struct counted_by *by, const struct buf *text,
                        const struct record *r) {
  uint64_t hash = 0;
  for (size_t i = 0; i < by->ncolumns; i++) {
    size_t len;
    const char *s = value_text(text, r->v[by->columns[i]], &len);
    hash = hash * 31 + hash_quickly(s, len);
  }
  return hash;
}

static bool is_same(const struct counted_by *by, const struct buf *text, const struct record *a,
                    const struct record *b) {
  for (size_t i = 0; i < by->ncolumns; i++) {
    size_t a_len, b_len;
    const char *a_text = value_text(text, a->v[by->columns[i]], &a_len);
    const char *b_text = value_text(text, b->v[by->columns[i]], &b_len);
    if (a_len != b_len || memcmp(a_text, b_text, a_len) != 0)
      return false;
  }
  return true;
}

/* Records of one sender stand together: last is tried first.  *n grows by one for a new group. */
static size_t group_of(const struct counted_by *by, const struct batch *b, const struct record *r,
                       struct group *groups, size_t *n, size_t last) {
  if (last < *n && groups[last].of != NULL && is_same(by, &b->text, groups[last].of, r))
    return last;
  uint64_t hash = hash_of(by, &b->text, r);
  for (size_t i = 0; i < *n; i++)
    if (groups[i].of == NULL ||
        (groups[i].hash == hash && is_same(by, &b->text, groups[i].of, r)))
      return i;
  groups[*n] = (struct group){.hash = hash, .of = *n < MAX_GROUPS ? r : NULL};
  return (*n)++;
}

static void push_group(lua_State *L, const struct counted_by *by, const struct batch *b,
                       const struct group *group) {
  lua_createtable(L, 0, (int) by->ncolumns + 1);
  for (size_t i = 0; group->of != NULL && i < by->ncolumns; i++) {
    size_t len;
    const char *text = value_text(&b->text, group->of->v[by->columns[i]], &len);
    if (len == 0)
      continue;
    lua_pushlstring(L, text, len);
    lua_setfield(L, -2, b->schema->columns[by->columns[i]].name);
  }
  lua_pushinteger(L, group->records);
  lua_setfield(L, -2, "records");
}

void lua_counts_push(lua_State *L, const struct counted_by *by, const struct batch *b) {
  struct group groups[MAX_GROUPS + 1] = {0};
  size_t n = 0, last = 0;
  if (by->ncolumns == 0) {
    lua_pushnil(L);
    return;
  }
  for (size_t i = 0; i < b->count; i++) {
    last = group_of(by, b, batch_record(b, i), groups, &n, last);
    groups[last].records++;
  }
  lua_createtable(L, (int) n, 0);
  for (size_t i = 0; i < n; i++) {
    push_group(L, by, b, &groups[i]);
    lua_rawseti(L, -2, (lua_Integer) i + 1);
  }
}
