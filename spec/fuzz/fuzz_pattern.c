#include <lauxlib.h>
#include <lualib.h>

#include "fuzz.h"
#include "script/engine/pattern.h"

/* Lua's patterns against the library's own matcher.  Input: the pattern's length, pattern,
 * subject. */

enum { LONGEST = 40, PATTERN_LONGEST = 14, STEPS = 1 << 22 };

/* The match of ours that begins at the earliest place, or PATTERN_FAILED. */
static enum pattern_result search(struct pattern *m, bool anchored, const char **start) {
  long steps = STEPS;
  for (const char *s = m->subject; s <= m->subject_end; s++) {
    pattern_start(m, s);
    enum pattern_result result = pattern_run(m, &steps);
    *start = s;
    if (result != PATTERN_FAILED || anchored)
      return result;
  }
  return PATTERN_FAILED;
}

static bool same_capture(lua_State *L, int index, const struct pattern *m, int i) {
  const struct capture *c = &m->captures[i];
  if (c->len == CAPTURE_POSITION)
    return lua_isinteger(L, index) && lua_tointeger(L, index) == c->start - m->subject + 1;
  size_t len;
  const char *s = lua_tolstring(L, index, &len);
  return s != NULL && (ptrdiff_t) len == c->len && memcmp(s, c->start, len) == 0;
}

static void compare(lua_State *L, bool found, const struct pattern *m, const char *start) {
  FUZZ_CHECK(found == !lua_isnil(L, 1));
  if (!found)
    return;
  FUZZ_CHECK(lua_tointeger(L, 1) == start - m->subject + 1);
  FUZZ_CHECK(lua_tointeger(L, 2) == m->s - m->subject);
  FUZZ_CHECK(lua_gettop(L) == 2 + m->level);
  for (int i = 0; i < m->level; i++)
    FUZZ_CHECK(same_capture(L, 3 + i, m, i));
}

static bool has_open(const struct pattern *m) {
  for (int i = 0; i < m->level; i++)
    if (m->captures[i].len == CAPTURE_OPEN)
      return true;
  return false;
}

/* find takes any other pattern as plain text. */
static bool has_special(const char *p, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (p[i] != '\0' && strchr("^$*+?.([%-", p[i]) != NULL)
      return true;
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static lua_State *L;
  struct fuzz_input in = fuzz_input(bytes, size);
  size_t len = fuzz_byte(&in) % PATTERN_LONGEST;
  if (len > in.len)
    len = in.len;
  if (in.len - len > LONGEST)
    in.len = len + LONGEST;
  if (L == NULL) {
    L = luaL_newstate();
    luaL_openlibs(L);
    lua_getglobal(L, "string");
    lua_getfield(L, -1, "find");
    lua_setglobal(L, "find");
  }
  struct fuzz_input pattern = {in.data, len}, subject = {in.data + len, in.len - len};
  char *p = fuzz_text(pattern), *s = fuzz_text(subject);
  const char *start = s;
  bool anchored = *p == '^';
  struct pattern m = {.subject = s, .subject_end = s + subject.len,
                      .pattern = p + anchored, .pattern_end = p + len};
  enum pattern_result result = search(&m, anchored, &start);
  lua_settop(L, 0);
  lua_getglobal(L, "find");
  lua_pushlstring(L, s, subject.len);
  lua_pushlstring(L, p, len);
  bool special = has_special(p, len);
  bool wrong = lua_pcall(L, 2, LUA_MULTRET, 0) != LUA_OK;
  if (special && result != PATTERN_PAUSED) {
    if (result == PATTERN_MATCHED && has_open(&m))
      FUZZ_CHECK(wrong);
    else
      FUZZ_CHECK(wrong == (result == PATTERN_WRONG));
    if (!wrong)
      compare(L, result == PATTERN_MATCHED, &m, start);
  }
  free(p);
  free(s);
  return 0;
}
