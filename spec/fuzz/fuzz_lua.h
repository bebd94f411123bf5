#ifndef MOONLEDGER_FUZZ_LUA_H
#define MOONLEDGER_FUZZ_LUA_H

#include <lauxlib.h>
#include <lualib.h>

#include "fuzz.h"
#include "script/bindings/bindings.h"
#include "script/bindings/lua_content.h"

/* The parsers that are Lua: a plain state with our modules, whose lines guide the fuzzer as
 * the edges of C do.  What is called may take so many instructions for each byte of its
 * input and no more: nothing that a request reaches is quadratic. */

enum {
  FUZZ_LINES = 1 << 14,
  FUZZ_STEP = 1000, /* instructions between two looks */
  FUZZ_INSTRUCTIONS = 400000,
  FUZZ_INSTRUCTIONS_PER_BYTE = 2000,
};

#ifdef __clang__
__attribute__((section("__libfuzzer_extra_counters")))
#endif
static uint8_t fuzz_lines[FUZZ_LINES];

static struct {
  size_t instructions, most;
  uint8_t seen[FUZZ_LINES]; /* of all calls */
  size_t count_seen, count_told;
  FILE *lines; /* each line that is reached goes there, for corpus.lua */
} fuzz_lua;

static void fuzz_lua_note_line(lua_State *L, lua_Debug *ar) {
  lua_getinfo(L, "Sl", ar);
  uint32_t hash = (uint32_t) ar->currentline;
  for (const char *p = ar->source; *p != '\0'; p++)
    hash = (hash ^ (unsigned char) *p) * 16777619u;
  hash = (hash ^ hash >> 16) % FUZZ_LINES;
  if (fuzz_lines[hash] < UINT8_MAX)
    fuzz_lines[hash]++;
  fuzz_lua.count_seen += !fuzz_lua.seen[hash];
  fuzz_lua.seen[hash] = 1;
  if (fuzz_lua.lines != NULL)
    fprintf(fuzz_lua.lines, "%s:%d\n", ar->source, ar->currentline);
}

static void fuzz_lua_hook(lua_State *L, lua_Debug *ar) {
  if (ar->event == LUA_HOOKLINE)
    fuzz_lua_note_line(L, ar);
  else
    fuzz_lua.instructions += FUZZ_STEP;
  if (fuzz_lua.instructions > fuzz_lua.most)
    luaL_error(L, "more than %d instructions", (int) fuzz_lua.most);
}

static void fuzz_lua_hold(lua_State *L) {
  fprintf(stderr, "%s\n", lua_tostring(L, -1));
  abort();
}

/* For settle.lua; libFuzzer itself tells of edges. */
static void fuzz_lua_tell(void) {
#ifdef FUZZ
  if (fuzz_lua.count_seen > fuzz_lua.count_told)
    fprintf(stderr, "lines of Lua: %zu\n", fuzz_lua.count_seen);
  fuzz_lua.count_told = fuzz_lua.count_seen;
#endif
}

static int fuzz_lua_traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* Runs file, which returns a function: that is at index 1 of the state. */
static lua_State *fuzz_lua_open(const char *file) {
  lua_State *L = luaL_newstate();
  const char *lines = getenv("FUZZ_LINES");
  luaL_openlibs(L);
  luaL_requiref(L, "json", luaopen_json, 0);
  luaL_requiref(L, "content", luaopen_content, 0);
  luaL_requiref(L, "otlp", luaopen_otlp, 0);
  luaL_requiref(L, "protobuf", luaopen_protobuf, 0);
  luaL_requiref(L, "log", luaopen_log, 0);
  lua_settop(L, 0);
  if (lines != NULL)
    fuzz_lua.lines = fopen(lines, "a");
  fuzz_lua.most = SIZE_MAX;
  lua_sethook(L, fuzz_lua_hook, LUA_MASKLINE | LUA_MASKCOUNT, FUZZ_STEP);
  if (luaL_dostring(L, "package.path = 'lua/?.lua;./?.lua' later = require") != LUA_OK ||
      luaL_dofile(L, file) != LUA_OK)
    fuzz_lua_hold(L);
  return L;
}

/* Calls the function with the input; its one result is at the top.  An error ends the program. */
static void fuzz_lua_call(lua_State *L, struct fuzz_input in, int choice) {
  lua_settop(L, 1);
  lua_pushcfunction(L, fuzz_lua_traceback);
  lua_pushvalue(L, 1);
  lua_pushlstring(L, in.len > 0 ? in.data : "", in.len);
  lua_pushinteger(L, choice);
  fuzz_lua.instructions = 0;
  fuzz_lua.most = FUZZ_INSTRUCTIONS + FUZZ_INSTRUCTIONS_PER_BYTE * in.len;
  if (lua_pcall(L, 2, 1, 2) != LUA_OK)
    fuzz_lua_hold(L);
  fuzz_lua_tell();
}

#endif
