#include "config_run.h"

#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <uv.h>

#include "base/assets.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "config.h"

void config_open_libs(lua_State *L) {
  static const luaL_Reg libs[] = {
      {LUA_GNAME, luaopen_base}, {LUA_STRLIBNAME, luaopen_string}, {LUA_TABLIBNAME, luaopen_table},
      {LUA_MATHLIBNAME, luaopen_math}};
  static const char *const loaders[] = {"dofile", "loadfile", "load", "collectgarbage", "print"};

  for (size_t i = 0; i < sizeof libs / sizeof *libs; i++) {
    luaL_requiref(L, libs[i].name, libs[i].func, 1);
    lua_pop(L, 1);
  }
  for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++) {
    lua_pushnil(L);
    lua_setglobal(L, loaders[i]);
  }
}

/* CPU time of one file, before it can say how much there is, and what it may hold then. */
enum { FIRST_LOAD_US = 500000, FIRST_MEMORY = 64 << 20 };

/* arg: what is in use, a size_t. */
static void *allocate(void *arg, void *block, size_t old_size, size_t size) {
  size_t *used = arg;
  old_size = block != NULL ? old_size : 0;
  if (size > old_size && *used - old_size + size > FIRST_MEMORY)
    return NULL;
  void *moved = size > 0 ? realloc(block, size) : (free(block), NULL);
  if (moved != NULL || size == 0)
    *used += size - old_size;
  return moved;
}

static struct {
  lua_State *L;
  const char *name;
  bool late;
} watched; /* the file that runs; the process has one thread so far, and nothing to lose */

static void on_late(lua_State *L, lua_Debug *ar) {
  (void) ar;
  luaL_error(L, "loading takes too long: look for an endless loop here");
}

/* Raises at every instruction, so that no pcall holds it up; where there is none, in a
 * function of C, the process ends when as much time has passed again. */
static void on_time_up(int signal) {
  static const char why[] = ": loading takes too long, where Lua cannot be interrupted\n";
  (void) signal;
  if (watched.late) {
    bool written = write(STDERR_FILENO, watched.name, strlen(watched.name)) > 0 &&
                   write(STDERR_FILENO, why, sizeof why - 1) > 0;
    _exit(written ? 1 : 2);
  }
  watched.late = true;
  lua_sethook(watched.L, on_late, LUA_MASKCOUNT, 1);
}

/* microseconds of CPU time; 0: no longer. */
static void watch_time(lua_State *L, const char *name, suseconds_t microseconds) {
  struct itimerval every = {{0, microseconds}, {0, microseconds}};
  struct sigaction action = {.sa_handler = on_time_up, .sa_flags = SA_RESTART};
  watched.L = L;
  watched.name = name;
  watched.late = false;
  sigaction(SIGPROF, &action, NULL);
  setitimer(ITIMER_PROF, &every, NULL);
}

void config_close(lua_State *L) {
  void *used;
  watch_time(NULL, NULL, 0);
  lua_getallocf(L, &used);
  lua_close(L);
  free(used);
}

static int load_text(lua_State *L, const struct buf *text, const char *name) {
  char chunk_name[64];
  snprintf(chunk_name, sizeof chunk_name, "@%s", name);
  size_t mark = utf8_mark(text->data, text->len);
  int status = luaL_loadbufferx(L, text->data + mark, text->len - mark, chunk_name, "t");
  if (status != LUA_OK)
    return status;
  lua_pushglobaltable(L);
  config_push_env(L);
  lua_setupvalue(L, -2, 1);
  return LUA_OK;
}

lua_State *config_run(const char *folder, const char *file, const char *name, uint64_t *hash,
                      struct buf *errors) {
  struct buf text = {0};
  int rc = assets_read(folder, file, &text);
  if (rc == UV_ENOENT && assets_find(name) != NULL)
    rc = assets_read(folder, name, &text);
  if (rc < 0) {
    buf_printf(errors, "%s/%s: %s\n", folder, file, uv_strerror(rc));
    return NULL;
  }
  lua_State *L = lua_newstate(allocate, xcalloc(1, sizeof(size_t)));
  config_open_libs(L);
  watch_time(L, name, FIRST_LOAD_US);
  bool fine = load_text(L, &text, name) == LUA_OK && lua_pcall(L, 0, 1, 0) == LUA_OK;
  /* reading the result may call metamethods, with nothing to catch an error */
  watch_time(L, name, FIRST_LOAD_US);
  watched.late = true;
  lua_sethook(L, NULL, 0, 0);
  if (!fine) {
    const char *message = lua_tostring(L, -1);
    buf_printf(errors, "%s%s\n", message != NULL ? message : name,
               message != NULL ? "" : ": raised an error");
    config_close(L);
  }
  *hash = hash_for_files(text.data, text.len);
  buf_clear(&text);
  return fine ? L : NULL;
}
