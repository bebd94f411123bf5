#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "script/commands.h"

/* The module term: what a command tells the one who runs it. */

enum { INTERVAL_NS = 100000000 };

/* One process has one terminal. */
static bool drawn;
static int64_t drawn_ns;

void term_wipe(void) {
  if (drawn)
    fputs("\r\033[K", stderr);
  drawn = false;
}

/* term.write(text): to standard output, as it is. */
static int l_term_write(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  term_wipe();
  fwrite(text, 1, len, stdout);
  return 0;
}

/* term.flush(): what was printed is on its way, also where it goes into a pipe. */
static int l_term_flush(lua_State *L) {
  (void) L;
  fflush(stdout);
  return 0;
}

/* term.print(...), and print */
static int l_term_print(lua_State *L) {
  int n = lua_gettop(L);
  term_wipe();
  for (int i = 1; i <= n; i++) {
    size_t len;
    const char *text = luaL_tolstring(L, i, &len);
    if (i > 1)
      putchar('\t');
    fwrite(text, 1, len, stdout);
    lua_pop(L, 1);
  }
  putchar('\n');
  return 0;
}

/* term.error(text): to standard error, after the program's name. */
static int l_term_error(lua_State *L) {
  const char *text = luaL_checkstring(L, 1);
  term_wipe();
  fprintf(stderr, "moonledger: %s\n", text);
  return 0;
}

/* term.is_terminal(stream) */
static int l_term_is_terminal(lua_State *L) {
  static const char *const streams[] = {"in", "out", "err", NULL};
  lua_pushboolean(L, isatty(luaL_checkoption(L, 1, "out", streams)));
  return 1;
}

/* term.progress(text): draws it over the line that was drawn before, at most ten times a second and
 * only on a terminal; without a text the line is wiped. */
static int l_term_progress(lua_State *L) {
  const char *text = luaL_optstring(L, 1, NULL);
  int64_t now = clock_monotonic_ns();
  if (text == NULL) {
    term_wipe();
  } else if (isatty(STDERR_FILENO) && now - drawn_ns >= INTERVAL_NS) {
    fprintf(stderr, "\r%s\033[K", text);
    drawn = true;
    drawn_ns = now;
  }
  return 0;
}

int luaopen_term(lua_State *L) {
  static const luaL_Reg functions[] = {{"write", l_term_write},
                                       {"print", l_term_print},
                                       {"flush", l_term_flush},
                                       {"error", l_term_error},
                                       {"progress", l_term_progress},
                                       {"is_terminal", l_term_is_terminal},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
