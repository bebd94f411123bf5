#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "script/bindings/bindings.h"
#include "script/engine/lua_json.h"
#include "script/engine/script.h"
#include "script/settings.h"

/* LiteLLM's own has 1.6 MB. */
enum { MAX_BYTES = 16 * 1024 * 1024 };

static int push_failure(lua_State *L, const char *path, const char *what) {
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", path, what);
  return 2;
}

int lua_price_file_push(lua_State *L, const char *path) {
  if (*path == '\0') {
    luaL_pushfail(L);
    return 1;
  }
  struct buf *text = lua_json_push_fragment(L);
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return push_failure(L, path, strerror(errno));
  struct stat st;
  bool fits = fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MAX_BYTES;
  char *to = fits ? buf_try_reserve(text, (size_t) st.st_size + 1) : NULL;
  if (to != NULL)
    text->len = fread(to, 1, (size_t) st.st_size, file);
  fclose(file);
  if (!fits)
    return push_failure(L, path, "no file of at most 16 MiB");
  if (to == NULL)
    return push_failure(L, path, strerror(ENOMEM));
  lua_pushlstring(L, text->data, text->len);
  buf_clear(text);
  return 1;
}

static int l_price_file_read(lua_State *L) {
  return lua_price_file_push(L, script_settings(L)->price_file);
}

int luaopen_price_file(lua_State *L) {
  static const luaL_Reg functions[] = {{"read", l_price_file_read}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
