#include <lauxlib.h>
#include <string.h>

#include "script/engine/pattern.h"
#include "script/engine/sandbox.h"
#include "script/engine/state.h"

enum { STEPS = 20000, BYTES_PER_STEP = 64 }; /* of the matcher between two looks at the clock */

/* A search: where it stands, and what the functions on top of it keep across a pause.
 * Subject and pattern are anchored by whoever made it. */
struct search {
  struct pattern m;
  bool anchored, single; /* single: one attempt, at `at` */
  bool begun;
  bool kept;        /* it lives in a userdata */
  const char *at;   /* the attempt's start */
  const char *last; /* end of the match before; gmatch and gsub do not match there again */
  lua_Integer count, max;
  long steps;      /* left until it looks at the clock again, for all attempts together */
  size_t len, cap; /* of gsub's outcome, in the userdata at RESULT */
};

enum { RESULT = 5 };

static void search_init(lua_State *L, struct search *s, int subject, int pattern, bool anchors) {
  size_t subject_len, pattern_len;
  const char *text = luaL_checklstring(L, subject, &subject_len);
  const char *p = luaL_checklstring(L, pattern, &pattern_len);
  s->anchored = anchors && *p == '^';
  s->single = false;
  s->begun = s->kept = false;
  s->m.subject = text;
  s->m.subject_end = text + subject_len;
  s->m.pattern = p + s->anchored;
  s->m.pattern_end = p + pattern_len;
  s->at = text;
  s->last = NULL;
  s->count = 0;
  s->steps = STEPS;
}

/* The attempt at s->at, then those behind it.  PAUSED: the caller has to yield. */
static enum pattern_result search_run(lua_State *L, struct search *s) {
  for (;;) {
    if (s->steps < 0) {
      s->steps = STEPS;
      if (limits_check(L))
        return PATTERN_PAUSED;
    }
    if (!s->begun)
      pattern_start(&s->m, s->at);
    s->begun = true;
    s->steps--;
    enum pattern_result result = pattern_run(&s->m, &s->steps);
    if (result == PATTERN_WRONG)
      luaL_error(L, "%s", s->m.error);
    if (result == PATTERN_PAUSED)
      continue;
    s->begun = false;
    if (result == PATTERN_MATCHED && s->m.s != s->last)
      return result;
    if (s->anchored || s->single || s->at == s->m.subject_end)
      return PATTERN_FAILED;
    s->at++;
  }
}

/* A search that began on C's stack moves to Lua's. */
static int yield(lua_State *L, struct search *s, lua_KFunction k) {
  if (!s->kept) {
    struct search *kept = lua_newuserdatauv(L, sizeof *s, 0);
    *kept = *s;
    s = kept;
    s->kept = true;
  }
  return lua_yieldk(L, 0, (lua_KContext) s, k);
}

static void push_bytes(lua_State *L, struct search *s, const char *start, ptrdiff_t len) {
  s->steps -= len / BYTES_PER_STEP;
  lua_pushlstring(L, start, (size_t) len);
}

static void push_capture(lua_State *L, struct search *s, int i) {
  const struct capture *c = &s->m.captures[i];
  if (i >= s->m.level) {
    if (i > 0)
      luaL_error(L, "invalid capture index %%%d", i + 1);
    push_bytes(L, s, s->at, s->m.s - s->at);
  } else if (c->len == CAPTURE_POSITION) {
    lua_pushinteger(L, c->start - s->m.subject + 1);
  } else {
    if (c->len == CAPTURE_OPEN)
      luaL_error(L, "unfinished capture");
    push_bytes(L, s, c->start, c->len);
  }
}

static int push_captures(lua_State *L, struct search *s, bool whole) {
  int n = s->m.level == 0 && whole ? 1 : s->m.level;
  luaL_checkstack(L, n, "too many captures");
  for (int i = 0; i < n; i++)
    push_capture(L, s, i);
  return n;
}

static int on_find(lua_State *L, int status, lua_KContext context);
static int on_match(lua_State *L, int status, lua_KContext context);

static int search_find(lua_State *L, struct search *s) {
  enum pattern_result result = search_run(L, s);
  if (result == PATTERN_PAUSED)
    return yield(L, s, on_find);
  if (result == PATTERN_FAILED) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushinteger(L, s->at - s->m.subject + 1);
  lua_pushinteger(L, s->m.s - s->m.subject);
  return push_captures(L, s, false) + 2;
}

static int match(lua_State *L, struct search *s) {
  enum pattern_result result = search_run(L, s);
  if (result == PATTERN_PAUSED)
    return yield(L, s, on_match);
  if (result == PATTERN_MATCHED)
    return push_captures(L, s, true);
  lua_pushnil(L);
  return 1;
}

static int on_find(lua_State *L, int status, lua_KContext context) {
  (void) status;
  return search_find(L, (struct search *) context);
}

static int on_match(lua_State *L, int status, lua_KContext context) {
  (void) status;
  return match(L, (struct search *) context);
}

/* Offset of the first byte to look at; beyond len when there is none. */
static size_t start_of(lua_State *L, int index, size_t len) {
  lua_Integer init = luaL_optinteger(L, index, 1);
  if (init > 0)
    return (size_t) init - 1 > len ? len + 1 : (size_t) init - 1;
  return init == 0 || init < -(lua_Integer) len ? 0 : len + (size_t) init;
}

static bool is_plain(const struct search *s) {
  size_t len = (size_t) (s->m.pattern_end - s->m.pattern);
  for (size_t i = 0; i < len; i++)
    if (s->m.pattern[i] != '\0' && strchr("^$*+?.([%-", s->m.pattern[i]) != NULL)
      return false;
  return !s->anchored;
}

static int find_plain(lua_State *L, const struct search *s) {
  const char *pattern = s->m.pattern - s->anchored;
  size_t len = (size_t) (s->m.pattern_end - pattern);
  const char *found = memmem(s->at, (size_t) (s->m.subject_end - s->at), pattern, len);
  if (found == NULL) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushinteger(L, found - s->m.subject + 1);
  lua_pushinteger(L, found - s->m.subject + (lua_Integer) len);
  return 2;
}

/* false: the first byte to look at lies behind the text. */
static bool search_begin(lua_State *L, struct search *s) {
  search_init(L, s, 1, 2, true);
  size_t len = (size_t) (s->m.subject_end - s->m.subject), start = start_of(L, 3, len);
  s->at += start <= len ? start : 0;
  return start <= len;
}

static int l_find(lua_State *L) {
  struct search s;
  if (!search_begin(L, &s)) {
    lua_pushnil(L);
    return 1;
  }
  return lua_toboolean(L, 4) || is_plain(&s) ? find_plain(L, &s) : search_find(L, &s);
}

static int l_match(lua_State *L) {
  struct search s;
  if (!search_begin(L, &s)) {
    lua_pushnil(L);
    return 1;
  }
  return match(L, &s);
}

static int next_match(lua_State *L, int status, lua_KContext context) {
  (void) status;
  struct search *s = (struct search *) context;
  enum pattern_result result = s->at > s->m.subject_end ? PATTERN_FAILED : search_run(L, s);
  if (result == PATTERN_PAUSED)
    return yield(L, s, next_match);
  if (result == PATTERN_FAILED)
    return 0;
  int n = push_captures(L, s, true);
  s->at = s->last = s->m.s;
  return n;
}

static int l_next_match(lua_State *L) {
  return next_match(L, LUA_OK, (lua_KContext) lua_touserdata(L, lua_upvalueindex(3)));
}

static int l_gmatch(lua_State *L) {
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 2);
  size_t len, start;
  luaL_checklstring(L, 1, &len);
  start = start_of(L, 3, len);
  lua_settop(L, 2);
  struct search *s = lua_newuserdatauv(L, sizeof *s, 0);
  search_init(L, s, 1, 2, false);
  s->kept = true;
  s->at += start;
  lua_pushcclosure(L, l_next_match, 3);
  return 1;
}

/* gsub: text, pattern, replacement, search, result */

static void append(lua_State *L, struct search *s, const char *data, size_t len) {
  if (len > s->cap - s->len) {
    size_t cap = s->cap * 2 > s->len + len ? s->cap * 2 : s->len + len;
    char *wider = lua_newuserdatauv(L, cap, 0);
    memcpy(wider, lua_touserdata(L, RESULT), s->len);
    lua_replace(L, RESULT);
    s->cap = cap;
  }
  memcpy((char *) lua_touserdata(L, RESULT) + s->len, data, len);
  s->len += len;
}

static void append_template(lua_State *L, struct search *s) {
  size_t len;
  const char *text = lua_tolstring(L, 3, &len), *end = text + len;
  s->steps -= (long) len;
  for (const char *percent; (percent = memchr(text, '%', (size_t) (end - text))) != NULL;
       text = percent + 2) {
    append(L, s, text, (size_t) (percent - text));
    if (percent[1] == '%') {
      append(L, s, "%", 1);
    } else if (percent[1] == '0') {
      append(L, s, s->at, (size_t) (s->m.s - s->at));
    } else if (percent[1] >= '1' && percent[1] <= '9') {
      push_capture(L, s, percent[1] - '1');
      const char *capture = lua_tolstring(L, -1, &len);
      append(L, s, capture, len);
      lua_pop(L, 1);
    } else {
      luaL_error(L, "invalid use of '%%' in replacement string");
    }
  }
  append(L, s, text, (size_t) (end - text));
}

/* The value at the top replaces the match; nil and false keep it. */
static void append_value(lua_State *L, struct search *s) {
  size_t len = (size_t) (s->m.s - s->at);
  const char *text = s->at;
  if (lua_toboolean(L, -1)) {
    if (!lua_isstring(L, -1))
      luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    text = lua_tolstring(L, -1, &len);
  }
  append(L, s, text, len);
  lua_settop(L, RESULT);
}

static int on_replaced(lua_State *L, int status, lua_KContext context);
static int on_gsub(lua_State *L, int status, lua_KContext context);

static void after_match(struct search *s) {
  s->count++;
  s->at = s->last = s->m.s;
}

static void replace(lua_State *L, struct search *s) {
  int type = lua_type(L, 3);
  if (type == LUA_TSTRING) {
    append_template(L, s);
  } else if (type == LUA_TTABLE) {
    push_capture(L, s, 0);
    lua_gettable(L, 3);
    append_value(L, s);
  } else {
    lua_pushvalue(L, 3);
    int n = push_captures(L, s, true);
    lua_callk(L, n, 1, (lua_KContext) s, on_replaced);
    append_value(L, s);
  }
  after_match(s);
}

static int gsub(lua_State *L, struct search *s) {
  while (s->count < s->max) {
    enum pattern_result result = search_run(L, s);
    if (result == PATTERN_PAUSED)
      return yield(L, s, on_gsub);
    if (result == PATTERN_MATCHED)
      replace(L, s);
    else if (s->at < s->m.subject_end)
      append(L, s, s->at++, 1);
    else
      break;
    if (s->anchored)
      break;
  }
  append(L, s, s->at, (size_t) (s->m.subject_end - s->at));
  lua_pushlstring(L, lua_touserdata(L, RESULT), s->len);
  lua_pushinteger(L, s->count);
  return 2;
}

static int on_gsub(lua_State *L, int status, lua_KContext context) {
  (void) status;
  return gsub(L, (struct search *) context);
}

static int on_replaced(lua_State *L, int status, lua_KContext context) {
  (void) status;
  struct search *s = (struct search *) context;
  append_value(L, s);
  after_match(s);
  if (s->anchored)
    s->max = s->count;
  return gsub(L, s);
}

static int l_gsub(lua_State *L) {
  size_t len;
  luaL_checklstring(L, 1, &len);
  int type = lua_type(L, 3);
  luaL_argexpected(L,
                   type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TTABLE ||
                       type == LUA_TFUNCTION,
                   3, "string/function/table");
  lua_Integer max = luaL_optinteger(L, 4, (lua_Integer) len + 1);
  if (type == LUA_TNUMBER)
    lua_tostring(L, 3);
  lua_settop(L, 3);
  struct search *s = lua_newuserdatauv(L, sizeof *s, 0);
  search_init(L, s, 1, 2, true);
  s->kept = s->single = true;
  s->max = max;
  s->len = 0;
  s->cap = len + 16;
  lua_newuserdatauv(L, s->cap, 0);
  return gsub(L, s);
}

void lua_pattern_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"find", l_find}, {"match", l_match}, {"gmatch", l_gmatch}, {"gsub", l_gsub}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
