#include "script/bindings/lua_counts.h"

#include <lauxlib.h>
#include <string.h>

#include "base/hash.h"
#include "script/engine/script.h"
#include "script/services.h"

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

struct value_counts lua_counts_check(lua_State *L, int index) {
  struct value_counts c = {0};
  if (lua_isnoneornil(L, index))
    return c;
  luaL_checktype(L, index, LUA_TTABLE);
  c.ncolumns = lua_rawlen(L, index);
  luaL_argcheck(L, c.ncolumns > 0 && c.ncolumns <= VALUE_COLUMNS, index,
                "a list of up to 4 columns expected");
  for (size_t i = 0; i < c.ncolumns; i++) {
    lua_rawgeti(L, index, (lua_Integer) i + 1);
    c.columns[i] = column_at(L, index);
  }
  return c;
}

static uint64_t hash_of(const struct value_counts *c, const struct buf *text,
                        const struct record *r) {
  uint64_t hash = 0;
  for (size_t i = 0; i < c->ncolumns; i++) {
    size_t len;
    const char *s = value_text(text, r->v[c->columns[i]], &len);
    hash = hash * 31 + hash_quickly(s, len);
  }
  return hash;
}

static bool is_same(const struct value_counts *c, const struct buf *text, const struct record *a,
                    const struct record *b) {
  for (size_t i = 0; i < c->ncolumns; i++) {
    size_t a_len, b_len;
    const char *a_text = value_text(text, a->v[c->columns[i]], &a_len);
    const char *b_text = value_text(text, b->v[c->columns[i]], &b_len);
    if (a_len != b_len || memcmp(a_text, b_text, a_len) != 0)
      return false;
  }
  return true;
}

enum { SLOTS = 2 * VALUE_GROUPS }; /* each with the number of a group, from 1, or 0 */

/* That of the record at `at`; a new one where there is room for it. */
static struct value_group *group_of(struct value_counts *c, uint8_t slots[SLOTS],
                                    const struct batch *b, uint32_t at) {
  const struct record *r = batch_record(b, at);
  uint64_t hash = hash_of(c, &b->text, r);
  size_t slot = hash % SLOTS;
  for (; slots[slot] > 0; slot = (slot + 1) % SLOTS) {
    struct value_group *group = &c->groups[slots[slot] - 1];
    if (group->hash == hash && is_same(c, &b->text, batch_record(b, group->first), r))
      return group;
  }
  if (c->ngroups == VALUE_GROUPS)
    return &c->others;
  c->groups[c->ngroups] = (struct value_group){.hash = hash, .first = at};
  slots[slot] = (uint8_t) ++c->ngroups;
  return &c->groups[c->ngroups - 1];
}

void lua_counts_add(struct value_counts *c, const struct batch *b) {
  uint8_t slots[SLOTS] = {0};
  for (uint32_t i = 0; c->ncolumns > 0 && i < b->count; i++)
    group_of(c, slots, b, i)->records++;
}

static void push_texts(lua_State *L, const struct value_counts *c, const struct batch *b,
                       const struct record *r) {
  for (size_t i = 0; i < c->ncolumns; i++) {
    size_t len;
    const char *text = value_text(&b->text, r->v[c->columns[i]], &len);
    if (len == 0)
      continue;
    lua_pushlstring(L, text, len);
    lua_setfield(L, -2, b->schema->columns[c->columns[i]].name);
  }
}

static void push_group(lua_State *L, const struct value_counts *c, const struct batch *b,
                       const struct value_group *group) {
  lua_createtable(L, 0, (int) c->ncolumns + 1);
  if (group != &c->others) {
    push_texts(L, c, b, batch_record(b, group->first));
  } else {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "others");
  }
  lua_pushinteger(L, group->records);
  lua_setfield(L, -2, "records");
}

void lua_counts_push(lua_State *L, const struct value_counts *c, const struct batch *b) {
  if (c->ncolumns == 0) {
    lua_pushnil(L);
    return;
  }
  lua_createtable(L, (int) c->ngroups + 1, 0);
  for (size_t i = 0; i < c->ngroups; i++) {
    push_group(L, c, b, &c->groups[i]);
    lua_rawseti(L, -2, (lua_Integer) i + 1);
  }
  if (c->others.records > 0) {
    push_group(L, c, b, &c->others);
    lua_rawseti(L, -2, (lua_Integer) c->ngroups + 1);
  }
}
