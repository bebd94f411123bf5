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

/* Counts what is no array or no object under what is said of it, in the table at index counts. */
static void note_misfit(lua_State *L, int counts, const char *format, const char *name) {
  lua_pushfstring(L, format, name);
  lua_pushvalue(L, -1);
  lua_rawget(L, counts);
  lua_pushinteger(L, lua_tointeger(L, -1) + 1);
  lua_replace(L, -2);
  lua_rawset(L, counts);
}

/* Opens the array that is the member names[depth] of the object at p, if there is one,
 * and pushes the object's text without it; null is as good as none. */
static void enter(lua_State *L, struct items *it, char *text, char *p, int counts) {
  const char *name = it->names[it->depth];
  size_t array = 0;
  luaL_Buffer rest;
  luaL_buffinit(L, &rest);
  luaL_addchar(&rest, '{');
  p = json_skip_space(p + 1);
  while (*p == '"') {
    char *key = p, *key_end = skip_value(p), *value = json_skip_space(json_skip_space(key_end) + 1);
    p = skip_value(value);
    bool is_named = json_is_named(key + 1, (size_t) (key_end - key) - 2, name);
    if (is_named && *value != '[' && *value != 'n')
      note_misfit(L, counts, "%s is no array", name);
    if (is_named && *value == '[' && array == 0) {
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
      enter(L, it, text, p, lua_upvalueindex(3));
      lua_replace(L, (int) level + 2);
    } else {
      note_misfit(L, lua_upvalueindex(3), "an element of %s is no object", it->names[level]);
    }
  }
  return 0;
}

struct values {
  size_t at;
  bool in_array, behind_one, ended; /* behind_one: behind an element */
  size_t line_at, line;             /* the line that was counted last: where it starts, from 1 */
};

/* The value that comes next; NULL at the end, or with an error. */
static char *next_value(struct values *v, char *p, const char *end, struct json_error *error) {
  p = json_skip_space(p);
  if (!v->in_array)
    return p < end ? p : NULL;
  if (v->behind_one && *p != ',' && *p != ']')
    return json_fail(error, p, "a comma or ]");
  if (v->behind_one && *p == ',')
    return json_skip_space(p + 1);
  if (*p != ']')
    return p;
  p = json_skip_space(p + 1);
  return p < end ? json_fail(error, p, "the end") : NULL;
}

/* Past the value; outside of an array it is alone on its lines. */
static char *skip_whole(const struct values *v, char *p, const char *end,
                        struct json_error *error) {
  char *after = json_skip_value(p, DEPTH, error);
  if (after == NULL || v->in_array)
    return after;
  char *rest = after + strspn(after, " \t\r");
  return *rest == '\n' || rest == end ? after : json_fail(error, rest, "the end of the line");
}

/* Counts the lines before p and returns where that of p starts; v is at a line before. */
static char *find_line(struct values *v, char *text, const char *p) {
  char *line = text + v->line_at, *newline;
  for (; (newline = memchr(line, '\n', (size_t) (p - line))) != NULL; line = newline + 1)
    v->line++;
  v->line_at = (size_t) (line - text);
  return line;
}

static char *line_end(char *p, char *end) {
  char *newline = memchr(p, '\n', (size_t) (end - p));
  return newline != NULL ? newline : end;
}

/* Pushes false and what is wrong with the value at p, and goes on behind the line where it begins,
 * in an array nowhere. */
static int push_fault(lua_State *L, struct values *v, const struct buf *text, char *p,
                      const struct json_error *error) {
  char why[JSON_WHY], *end = text->data + text->len;
  find_line(v, text->data, p);
  struct values wrong = *v; /* a value may go over many lines */
  char *line = find_line(&wrong, text->data, error->at);
  json_describe(error, line, line_end(line, end), why);
  v->at = (size_t) (line_end(p, end) - text->data);
  v->ended = v->in_array;
  lua_pushboolean(L, false);
  lua_pushfstring(L, "line %d: %s", (int) wrong.line, why);
  return 2;
}

/* next() -> the text of a value, or false and why none can be read: then it goes on behind the
 * line. */
static int l_next_value(lua_State *L) {
  struct values *v = lua_touserdata(L, lua_upvalueindex(1));
  struct buf *text = lua_json_fragment(L, lua_upvalueindex(2));
  struct json_error error = {0};
  if (v->ended)
    return 0;
  char *from = text->data + v->at, *end = text->data + text->len;
  char *p = next_value(v, from, end, &error);
  char *after = p != NULL ? skip_whole(v, p, end, &error) : NULL;
  if (error.what != NULL)
    return push_fault(L, v, text, p != NULL ? p : (char *) error.at, &error);
  v->ended = after == NULL;
  if (v->ended)
    return 0;
  v->behind_one = true;
  v->at = (size_t) (after - text->data);
  lua_pushlstring(L, p, (size_t) (after - p));
  return 1;
}

int lua_json_values(lua_State *L) {
  lua_settop(L, 1);
  struct values *v = lua_newuserdatauv(L, sizeof *v, 0);
  *v = (struct values){.line = 1};
  struct buf *text = lua_json_push_text(L, 1);
  size_t bom = strncmp(text->data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
  char *start = json_skip_space(text->data + bom);
  bool any = start < text->data + text->len;
  v->in_array = *start == '[';
  v->at = (size_t) (start - text->data) + v->in_array;
  lua_pushcclosure(L, l_next_value, 2);
  lua_pushboolean(L, any);
  return 2;
}

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
    return json_fail(error, start, "an object");
  char *after = json_skip_value(start, DEPTH, error);
  if (after != NULL && (after = json_skip_space(after)) != text->data + text->len)
    return json_fail(error, after, "the end");
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
    char why[JSON_WHY];
    json_describe(&error, text->data, text->data + text->len, why);
    luaL_pushfail(L);
    lua_pushstring(L, why);
    return 2;
  }
  lua_newtable(L);
  int counts = lua_gettop(L);
  enter(L, it, text->data, start, counts);
  lua_pop(L, 1);
  luaL_pushfail(L);
  if (lua_next(L, counts)) { /* so far only of the outermost array */
    lua_pop(L, 1);
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushvalue(L, counts);
  lua_insert(L, 3);
  lua_pushcclosure(L, l_next, 3);
  lua_insert(L, -2);
  return 2;
}
