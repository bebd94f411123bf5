/* A step of the build: compiles config.lua and lua/ for script/reload/compile.h.  Files with mistakes are left out; the
 * server tells of them when it reads them.
 *
 *   precompile OUT CONFIG_FILE */
#include <lauxlib.h>
#include <stdio.h>

#include "script/reload/compile.h"

static int append(lua_State *L, const void *data, size_t len, void *out) {
  (void) L;
  buf_append(out, data, len);
  return 0;
}

static bool compile(lua_State *L, const struct snapshot_file *file, struct buf *code) {
  const char *chunk_name = lua_pushfstring(L, "@%s", file->name);
  bool fine = luaL_loadbufferx(L, file->text.data, file->text.len, chunk_name, "t") == LUA_OK &&
              lua_dump(L, append, code, 0) == 0;
  lua_settop(L, 0);
  return fine;
}

static void add(struct buf *out, const struct snapshot_file *file, const struct buf *code) {
  struct compiled head = {file->hash, (uint32_t) strlen(file->name) + 1, (uint32_t) code->len};
  buf_append(out, &head, sizeof head);
  buf_append(out, file->name, head.name_size);
  buf_append(out, code->data, code->len);
  while (out->len % COMPILED_ALIGN != 0)
    buf_putc(out, '\0');
}

static bool write_file(const char *path, const struct buf *out) {
  FILE *file = fopen(path, "w");
  bool fine = file != NULL && fwrite(out->data, 1, out->len, file) == out->len;
  fine = file != NULL && fclose(file) == 0 && fine;
  if (!fine)
    perror(path);
  return fine;
}

static void compile_all(const struct snapshot *snapshot, struct buf *out) {
  lua_State *L = luaL_newstate();
  for (size_t i = 0; i < snapshot->nfiles; i++) {
    struct buf code = {0};
    if (compile(L, &snapshot->files[i], &code))
      add(out, &snapshot->files[i], &code);
    buf_clear(&code);
  }
  lua_close(L);
}

int main(int argc, char **argv) {
  struct buf errors = {0}, out = {0};
  if (argc != 3)
    return 2;
  struct snapshot *snapshot = snapshot_read(argv[2], &errors);
  if (snapshot != NULL)
    compile_all(snapshot, &out);
  bool fine = write_file(argv[1], &out);
  snapshot_free(snapshot);
  buf_clear(&errors);
  buf_clear(&out);
  return fine ? 0 : 1;
}
