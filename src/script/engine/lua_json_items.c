#include <lauxlib.h>
#include <string.h>

#include "base/utf8.h"
#include "record/json_scan.h"
#include "script/engine/lua_json.h"
#include "script/engine/script.h"

enum { MAX_LEVELS = 4, MAX_NAME = 32, DEPTH = 64 };

/* Where an iterator stands: inside of depth arrays, in each of them before the next
 * element.  The whole text was found to be JSON when the iterator was made. */
struct items {
  size_t nlevels, depth;
  char names[MAX_LEVELS][MAX_NAME];
  size_t at[MAX_LEVELS];
};

struct buf *lua_json_push_text(lua_State *L, int index) {
  struct buf *text, *body = script_body(L, index);
  if (body != NULL) {
    text = lua_json_push_taken(L, body);
  } else {
    size_t len;
    const char *s = luaL_checklstring(L, index, &len);
    text = lua_json_push_copy(L, s, len);
  }
  if (text->len > 0 && utf8_valid(text->data, text->len) < text->len) {
    struct buf repaired = {0};
    utf8_append(&repaired, text->data, text->len);
    buf_clear(text);
    *text = repaired;
  }
  memset(buf_reserve(text, JSON_PADDING + 1), 0, JSON_PADDING + 1);
  return text;
}

static char *skip_value(char *p) {
  struct json_error error;
  return json_skip_value(p, DEPTH, &error);
}

/* Opens the array that is the member names[depth] of the object at p, if there is one,
 * and pushes the object's text without it. */
static void enter(lua_State *L, struct items *it, char *text, char *p) {
  const char *name = it->names[it->depth];
  size_t array = 0;
  luaL_Buffer rest;
  luaL_buffinit(L, &rest);
  luaL_addchar(&rest, '{');
  p = json_skip_space(p + 1);
  while (*p == '"') {
    char *key = p, *key_end = skip_value(p), *value = json_skip_space(json_skip_space(key_end) + 1);
    p = skip_value(value);
    bool is_list = *value == '[' && json_is_named(key + 1, (size_t) (key_end - key) - 2, name);
    if (is_list && array == 0) {
      array = (size_t) (value + 1 - text);
    } else {
      luaL_addlstring(&rest, key, (size_t) (p - key));
      luaL_addchar(&rest, ',');
    }
    p = json_skip_space(p);
    if (*p == ',')
      p = json_skip_space(p + 1);
  }
  if (luaL_bufflen(&rest) > 1)
    luaL_buffsub(&rest, 1);
  luaL_addchar(&rest, '}');
  luaL_pushresult(&rest);
  if (array > 0)
    it->at[it->depth++] = array;
}

/* next() -> the text of an item, then those of the objects around it, outermost first,
 * each only when it is another one than before. */
static int l_next(lua_State *L) {
  struct items *it = lua_touserdata(L, lua_upvalueindex(1));
  char *text = lua_json_fragment(L, lua_upvalueindex(2))->data;
  lua_settop(L, 0);
  lua_settop(L, (int) it->nlevels);
  while (it->depth > 0) {
    size_t level = it->depth - 1;
    char *p = json_skip_space(text + it->at[level]);
    if (*p == ',')
      p = json_skip_space(p + 1);
    if (*p == ']') {
      it->depth--;
      continue;
    }
    char *value_end = skip_value(p);
    it->at[level] = (size_t) (value_end - text);
    if (it->depth == it->nlevels) {
      lua_pushlstring(L, p, (size_t) (value_end - p));
      lua_replace(L, 1);
      return (int) it->nlevels;
    }
    if (*p == '{') {
      enter(L, it, text, p);
      lua_replace(L, (int) level + 2);
    }
  }
  return 0;
}

/* ---- json.values(text) ---- */

struct values {
  size_t at;
  bool in_array, ended;
};

/* Behind the comma or at the value that comes next; NULL at the end. */
static char *next_value(struct values *v, char *p) {
  p = json_skip_space(p);
  if (v->in_array && *p == ',')
    p = json_skip_space(p + 1);
  return *p == '\0' || (v->in_array && *p == ']') ? NULL : p;
}

static bool ends_line(const char *p) {
  p += strspn(p, " \t\r");
  return *p == '\n' || *p == '\0';
}

/* next() -> the text of a value, or false where none can be read: then it goes on behind
 * the line. */
static int l_next_value(lua_State *L) {
  struct values *v = lua_touserdata(L, lua_upvalueindex(1));
  struct buf *text = lua_json_fragment(L, lua_upvalueindex(2));
  struct json_error error;
  char *p = v->ended ? NULL : next_value(v, text->data + v->at);
  v->ended = p == NULL;
  if (p == NULL)
    return 0;
  char *end = json_skip_value(p, DEPTH, &error);
  if (end != NULL && (v->in_array || ends_line(end))) {
    lua_pushlstring(L, p, (size_t) (end - p));
  } else {
    lua_pushboolean(L, false);
    end = p + strcspn(p, "\n");
    v->ended = v->in_array;
  }
  v->at = (size_t) (end - text->data);
  return 1;
}

int lua_json_values(lua_State *L) {
  lua_settop(L, 1);
  struct values *v = lua_newuserdatauv(L, sizeof *v, 0);
  *v = (struct values){0};
  struct buf *text = lua_json_push_text(L, 1);
  size_t bom = strncmp(text->data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
  char *start = json_skip_space(text->data + bom);
  v->in_array = *start == '[';
  v->at = (size_t) (start - text->data) + v->in_array;
  lua_pushcclosure(L, l_next_value, 2);
  return 1;
}

/* ---- json.items(text, names) ---- */

static void read_names(lua_State *L, struct items *it) {
  luaL_checktype(L, 2, LUA_TTABLE);
  it->nlevels = lua_rawlen(L, 2);
  luaL_argcheck(L, it->nlevels >= 1 && it->nlevels <= MAX_LEVELS, 2, "one to four names expected");
  for (size_t i = 0; i < it->nlevels; i++) {
    size_t len;
    lua_rawgeti(L, 2, (lua_Integer) i + 1);
    const char *name = luaL_checklstring(L, -1, &len);
    luaL_argcheck(L, len < MAX_NAME, 2, "a name has at most 31 bytes");
    memcpy(it->names[i], name, len + 1);
    lua_pop(L, 1);
  }
}

/* The object that text is, alone; NULL with error. */
static char *check(const struct buf *text, struct json_error *error) {
  char *start = json_skip_space(text->data);
  if (*start != '{')
    return json_fail(error, start, "not a JSON object");
  char *after = json_skip_value(start, DEPTH, error);
  if (after != NULL && json_skip_space(after) != text->data + text->len)
    return json_fail(error, after, "something after the object");
  return after != NULL ? start : NULL;
}

int lua_json_items(lua_State *L) {
  struct json_error error;
  lua_settop(L, 2);
  struct items *it = lua_newuserdatauv(L, sizeof *it, 0);
  memset(it, 0, sizeof *it);
  read_names(L, it);
  struct buf *text = lua_json_push_text(L, 1);
  char *start = check(text, &error);
  if (start == NULL) {
    luaL_pushfail(L);
    lua_pushfstring(L, "%s at byte %d", error.what, (int) (error.at - text->data));
    return 2;
  }
  enter(L, it, text->data, start);
  lua_pop(L, 1);
  lua_pushcclosure(L, l_next, 2);
  return 1;
}
