#include "record/schema_read.h"

#include <lua.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

void *schema_keep(struct schema *schema, void *p) {
  buf_append(&schema->blocks, &p, sizeof p);
  return p;
}

bool reader_fail(struct schema_reader *r, const char *where, const char *format, ...) {
  char text[256];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  buf_printf(r->error, "schema.lua: %s: %s", where, text);
  return false;
}

/* Raw, so that no metamethod of the user's runs here. */
static int push_member(struct schema_reader *r, const char *key) {
  lua_pushstring(r->L, key);
  return lua_rawget(r->L, -2);
}

bool reader_keys(struct schema_reader *r, const char *where, const char *const *known) {
  lua_State *L = r->L;
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      continue;
    const char *const *name = known;
    while (*name != NULL && strcmp(*name, lua_tostring(L, -2)) != 0)
      name++;
    if (*name == NULL) {
      reader_fail(r, where, "\"%s\" is not known here", lua_tostring(L, -2));
      lua_pop(L, 2);
      return false;
    }
  }
  return true;
}

/* Pushes the member; when it is there but has another type, that is the mistake. */
static bool member(struct schema_reader *r, const char *where, const char *key, int type,
                   const char *expected) {
  int found = push_member(r, key);
  if (found == type || found == LUA_TNIL)
    return true;
  lua_pop(r->L, 1);
  return reader_fail(r, where, "%s must be %s, not a %s", key, expected, lua_typename(r->L, found));
}

bool reader_text(struct schema_reader *r, const char *where, const char *key, const char **out) {
  if (!member(r, where, key, LUA_TSTRING, "a string"))
    return false;
  if (!lua_isnil(r->L, -1))
    *out = schema_keep(r->schema, xstrdup(lua_tostring(r->L, -1)));
  lua_pop(r->L, 1);
  return true;
}

bool reader_number(struct schema_reader *r, const char *where, const char *key, double *out) {
  if (!member(r, where, key, LUA_TNUMBER, "a number"))
    return false;
  if (!lua_isnil(r->L, -1))
    *out = lua_tonumber(r->L, -1);
  lua_pop(r->L, 1);
  return true;
}

bool reader_flag(struct schema_reader *r, const char *where, const char *key, bool *out) {
  if (!member(r, where, key, LUA_TBOOLEAN, "true or false"))
    return false;
  if (!lua_isnil(r->L, -1))
    *out = lua_toboolean(r->L, -1);
  lua_pop(r->L, 1);
  return true;
}

bool reader_column(struct schema_reader *r, const char *where, const char *key, int *out) {
  if (!member(r, where, key, LUA_TSTRING, "the name of a column"))
    return false;
  const char *name = lua_tostring(r->L, -1);
  int column = name != NULL ? schema_column(r->schema, name, strlen(name)) : *out;
  bool ok = name == NULL || column >= 0 || reader_fail(r, where, "%s: there is no column \"%s\"", key, name);
  if (ok)
    *out = column;
  lua_pop(r->L, 1);
  return ok;
}

bool reader_conditions(struct schema_reader *r, const char *where, const char *key, struct conditions **out) {
  if (!member(r, where, key, LUA_TTABLE, "a list of conditions"))
    return false;
  bool ok = true;
  if (!lua_isnil(r->L, -1)) {
    struct buf why = {0};
    *out = conditions_read(r->L, -1, r->schema, &why);
    ok = *out != NULL || reader_fail(r, where, "%s: %.*s", key, (int) why.len, why.data);
    buf_clear(&why);
  }
  lua_pop(r->L, 1);
  return ok;
}

const char *reader_item(struct schema_reader *r, const char *where, int i, const char *expected) {
  int type = lua_rawgeti(r->L, -1, i);
  const char *text = type == LUA_TSTRING ? schema_keep(r->schema, xstrdup(lua_tostring(r->L, -1))) : NULL;
  lua_pop(r->L, 1);
  if (text == NULL)
    reader_fail(r, where, "expected %s at [%d], not a %s", expected, i, lua_typename(r->L, type));
  return text;
}

size_t reader_length(struct schema_reader *r, const char *key) {
  size_t n = push_member(r, key) == LUA_TTABLE ? lua_rawlen(r->L, -1) : 0;
  lua_pop(r->L, 1);
  return n;
}

static bool read_entry(struct schema_reader *r, const char *key, size_t i, reader_entry read) {
  char where[64];
  snprintf(where, sizeof where, "%s[%zu]", key, i + 1);
  int type = lua_rawgeti(r->L, -1, (lua_Integer) i + 1);
  bool ok = type == LUA_TTABLE
                ? read(r, where, i)
                : reader_fail(r, where, "expected a table, not a %s", lua_typename(r->L, type));
  lua_pop(r->L, 1);
  return ok;
}

bool reader_list(struct schema_reader *r, const char *key, size_t max, reader_entry read) {
  if (!member(r, "it", key, LUA_TTABLE, "a list"))
    return false;
  size_t count = lua_isnil(r->L, -1) ? 0 : lua_rawlen(r->L, -1);
  bool ok = count <= max || reader_fail(r, key, "%zu entries, at most %zu are possible", count, max);
  for (size_t i = 0; ok && i < count; i++)
    ok = read_entry(r, key, i, read);
  lua_pop(r->L, 1);
  return ok;
}
