/* Files that were compiled at the build, and others.  Runs in the project's folder. */
#include "script/reload/compile.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "test.h"

static int append(lua_State *L, const void *data, size_t len, void *out) {
  (void) L;
  buf_append(out, data, len);
  return 0;
}

static struct buf dump(lua_State *L) {
  struct buf code = {0};
  CHECK(lua_isfunction(L, -1) && lua_dump(L, append, &code, 0) == 0);
  lua_pop(L, 1);
  return code;
}

/* As Lua's compiler makes it now, with names and lines. */
static void check_code(lua_State *L, const struct snapshot_file *file) {
  CHECK(compiled_before(file) && compile_file(L, file) == LUA_OK);
  struct buf found = dump(L);
  const char *chunk_name = lua_pushfstring(L, "@%s", file->name);
  CHECK(luaL_loadbufferx(L, file->text.data, file->text.len, chunk_name, "t") == LUA_OK);
  struct buf wanted = dump(L);
  lua_pop(L, 1);
  CHECK(found.len == wanted.len && memcmp(found.data, wanted.data, found.len) == 0);
  buf_clear(&found);
  buf_clear(&wanted);
}

static void all(lua_State *L) {
  struct buf errors = {0};
  struct snapshot *snapshot = snapshot_read("config.lua", &errors);
  CHECK(snapshot != NULL && snapshot->nfiles > 50 && errors.len == 0);
  for (size_t i = 0; i < snapshot->nfiles; i++)
    check_code(L, &snapshot->files[i]);
  snapshot_free(snapshot);
}

static void edited(lua_State *L) {
  struct buf errors = {0};
  struct snapshot *snapshot = snapshot_read("config.lua", &errors);
  struct snapshot_file *file = &snapshot->files[0];
  static const char text[] = "return 42", broken[] = "return {\n";

  file->text.len = 0;
  buf_puts(&file->text, text);
  file->hash = hash_for_files(text, strlen(text));
  CHECK(!compiled_before(file) && compile_file(L, file) == LUA_OK && lua_pcall(L, 0, 1, 0) == LUA_OK);
  CHECK(lua_tointeger(L, -1) == 42);
  lua_pop(L, 1);

  file->text.len = 0;
  buf_puts(&file->text, broken);
  file->hash = hash_for_files(broken, strlen(broken));
  CHECK(!compiled_before(file) && compile_file(L, file) == LUA_ERRSYNTAX);
  CHECK(strstr(lua_tostring(L, -1), "config.lua:2: ") != NULL);
  lua_pop(L, 1);

  /* The same text under another name has other names in its messages. */
  struct snapshot_file *other = &snapshot->files[1];
  free(other->name);
  other->name = strdup("lua/elsewhere.lua");
  CHECK(!compiled_before(other));
  snapshot_free(snapshot);
}

int main(void) {
  lua_State *L = luaL_newstate();
  all(L);
  edited(L);
  CHECK(lua_gettop(L) == 0);
  lua_close(L);
  return TEST_END;
}
