#include "script/reload/compile.h"

#include <lauxlib.h>
#include <string.h>

__asm__(".pushsection .rodata\n"
        ".balign 8\n"
        "compiled_first: .incbin \"" PRECOMPILED "\"\n" /* the path of what src/precompile.c wrote */
        "compiled_end: .byte 0\n"
        ".popsection\n");

extern const char compiled_first[], compiled_end[];

static const char *code_of(const struct compiled *c) {
  return (const char *) (c + 1) + c->name_size;
}

static const char *after(const struct compiled *c) {
  size_t size = sizeof *c + c->name_size + c->code_len;
  return (const char *) c + ((size + COMPILED_ALIGN - 1) & ~(size_t) (COMPILED_ALIGN - 1));
}

static const struct compiled *find(const struct snapshot_file *file) {
  const struct compiled *c;
  for (const char *at = compiled_first; at < compiled_end; at = after(c)) {
    c = (const struct compiled *) at;
    if (c->hash == file->hash && strcmp((const char *) (c + 1), file->name) == 0)
      return c;
  }
  return NULL;
}

bool compiled_before(const struct snapshot_file *file) {
  return find(file) != NULL;
}

void compile_free_texts(struct snapshot *snapshot) {
  for (size_t i = 1; i < snapshot->nfiles; i++) {
    struct snapshot_file *file = &snapshot->files[i];
    if (strcmp(file->name, "lua/schema.lua") != 0 && compiled_before(file))
      buf_clear(&file->text);
  }
}

int compile_file(lua_State *L, const struct snapshot_file *file) {
  const struct compiled *c = find(file);
  const char *chunk_name = lua_pushfstring(L, "@%s", file->name);
  int status = c != NULL ? luaL_loadbufferx(L, code_of(c), c->code_len, chunk_name, "b")
                         : luaL_loadbufferx(L, file->text.data, file->text.len, chunk_name, "t");
  if (status == LUA_ERRSYNTAX) {
    lua_pushfstring(L, "%s; mend the syntax there or just above", lua_tostring(L, -1));
    lua_remove(L, -2);
  }
  lua_remove(L, -2);
  return status;
}
