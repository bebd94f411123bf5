/* config.lua and lua/schema.lua from their files, at the start. */
#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/assets.h"
#include "base/file.h"
#include "base/hash.h"
#include "config.h"
#include "record/schema.h"

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

/* A state with what the text returned; NULL: see errors. */
static lua_State *run_text(const struct buf *text, const char *name, struct buf *errors) {
  char chunk_name[64];
  snprintf(chunk_name, sizeof chunk_name, "@%s", name);
  lua_State *L = luaL_newstate();
  open_libs(L);
  int status = luaL_loadbufferx(L, text->data, text->len, chunk_name, "t");
  if (status == LUA_OK) {
    lua_pushglobaltable(L);
    config_push_env(L);
    lua_setupvalue(L, -2, 1);
    status = lua_pcall(L, 0, 1, 0);
  }
  if (status == LUA_OK)
    return L;
  const char *message = lua_tostring(L, -1);
  buf_printf(errors, "%s%s\n", message != NULL ? message : name, message != NULL ? "" : ": raised an error");
  lua_close(L);
  return NULL;
}

/* The same of a file, or of the one in the program. */
static lua_State *run_file(const char *folder, const char *file, const char *name, uint64_t *hash,
                           struct buf *errors) {
  struct buf text = {0};
  int rc = assets_read(folder, file, &text);
  if (rc == UV_ENOENT && assets_find(name) != NULL)
    rc = assets_read(folder, name, &text);
  if (rc < 0)
    buf_printf(errors, "%s/%s: %s\n", folder, file, uv_strerror(rc));
  lua_State *L = rc == 0 ? run_text(&text, name, errors) : NULL;
  *hash = hash_for_files(text.data, text.len);
  buf_clear(&text);
  return L;
}

struct config *config_load(const char *file, const struct config_overrides *overrides, struct buf *errors) {
  struct config *config = NULL;
  char *path = file_path(file), *slash = path != NULL ? strrchr(path, '/') : NULL;
  uint64_t hash;
  if (path == NULL) {
    buf_printf(errors, "%s: %s; --config names another file\n", file, strerror(errno));
    return NULL;
  }
  *slash = '\0';
  lua_State *L = run_file(path, slash + 1, "config.lua", &hash, errors);
  *slash = '/';
  if (L != NULL) {
    config = config_read(L, path, overrides, errors);
    lua_close(L);
  }
  free(path);
  return config;
}

struct schema *config_load_schema(const struct config *config, struct buf *errors) {
  struct schema *schema = NULL;
  uint64_t hash;
  lua_State *L = run_file(config->root, "lua/schema.lua", "lua/schema.lua", &hash, errors);
  if (L != NULL) {
    schema = schema_load(L, errors);
    lua_close(L);
  }
  if (schema != NULL)
    schema->text_hash = hash;
  return schema;
}
