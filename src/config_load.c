#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "config.h"
#include "record/schema.h"

enum { FILE_BYTES = 8 << 20 };

/* What Lua files about settings and schema may use: base without loaders, string, table, math.  No file or process is in
 * reach. */
static void open_libs(lua_State *L) {
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

/* A state with what the file returned; NULL: see errors. */
static lua_State *run_file(const char *path, const char *name, uint64_t *hash, struct buf *errors) {
  struct buf text = {0};
  const char *why = file_read_all(path, 0, FILE_BYTES, &text);
  if (why != NULL) {
    buf_printf(errors, "%s: %s\n", path, why);
    return NULL;
  }
  lua_State *L = luaL_newstate();
  open_libs(L);
  lua_pushfstring(L, "@%s", name);
  bool fine = luaL_loadbufferx(L, text.data, text.len, lua_tostring(L, -1), "t") == LUA_OK &&
              lua_pcall(L, 0, 1, 0) == LUA_OK;
  if (!fine) {
    const char *message = lua_tostring(L, -1);
    buf_printf(errors, "%s%s\n", message != NULL ? message : name, message != NULL ? "" : ": raised an error");
    lua_close(L);
  }
  *hash = hash_for_files(text.data, text.len);
  buf_clear(&text);
  return fine ? L : NULL;
}

struct config *config_load(const char *file, const struct config_overrides *overrides, struct buf *errors) {
  struct config *config = NULL;
  char *path = realpath(file, NULL);
  uint64_t hash;
  lua_State *L = path != NULL ? run_file(path, "config.lua", &hash, errors) : NULL;
  if (path == NULL)
    buf_printf(errors, "%s: %s; --config names another file\n", file, strerror(errno));
  if (L != NULL) {
    config = config_read(L, path, overrides, errors);
    lua_close(L);
  }
  free(path);
  return config;
}

struct schema *config_load_schema(const struct config *config, struct buf *errors) {
  struct buf path = {0};
  struct schema *schema = NULL;
  uint64_t hash;
  buf_printf(&path, "%s/lua/schema.lua", config->root);
  buf_putc(&path, '\0');
  lua_State *L = run_file(path.data, "lua/schema.lua", &hash, errors);
  if (L != NULL) {
    schema = schema_load(L, errors);
    lua_close(L);
  }
  if (schema != NULL)
    schema->text_hash = hash;
  buf_clear(&path);
  return schema;
}
