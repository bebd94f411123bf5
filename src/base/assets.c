#include "base/assets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* One row of the table, a struct asset; the linker fills in where its parts came to stand. */
#define ASSET(name)                                   \
  ".section .data.rel.ro.assets, \"aw\"\n"            \
  ".dc.a 1f, 2f, 3f - 2f\n"                           \
  ".section .rodata.assets, \"a\"\n"                  \
  "1: .asciz \"" name "\"\n"                          \
  "2: .incbin \"" ASSETS_FOLDER "/" name "\"\n"       \
  "3: .byte 0\n"

/* One statement, for the compiler may put several in another order.  CMakeLists.txt
 * writes the list, sorted. */
__asm__(".pushsection .data.rel.ro.assets, \"aw\"\n"
        ".balign 8\n"
        "assets_first:\n"
#include ASSETS_LIST
        ".section .data.rel.ro.assets, \"aw\"\n"
        "assets_end:\n"
        ".dc.a 0\n"
        ".popsection\n");

extern const struct asset assets_first[], assets_end[];

bool assets_have(const char *name, const char *text, size_t len) {
  const struct asset *asset = assets_find(name);
  return asset != NULL && asset->len == len && memcmp(asset->data, text, len) == 0;
}

const struct asset *assets_all(size_t *count) {
  /* cppcheck-suppress comparePointers; the assembler lays them out as one array */
  *count = (size_t) (assets_end - assets_first);
  return assets_first;
}

bool asset_is_for_people(const struct asset *asset) {
  return strstr(asset->name, "/vendor/") == NULL;
}

static int compare(const void *name, const void *asset) {
  return strcmp(name, ((const struct asset *) asset)->name);
}

const struct asset *assets_find(const char *name) {
  size_t count;
  const struct asset *all = assets_all(&count);
  return bsearch(name, all, count, sizeof *all, compare);
}

static int read_all(FILE *file, struct buf *text) {
  size_t n = 1;
  while (n > 0) {
    char *end = buf_reserve(text, BUFSIZ);
    n = fread(end, 1, BUFSIZ, file);
    text->len += n;
  }
  return ferror(file) ? uv_translate_sys_error(errno) : 0;
}

int assets_read(const char *folder, const char *name, struct buf *text) {
  struct buf path = {0};
  buf_printf(&path, "%s/%s", folder, name);
  buf_putc(&path, '\0');
  FILE *file = fopen(path.data, "re");
  buf_clear(&path);
  int rc = file != NULL ? read_all(file, text) : uv_translate_sys_error(errno);
  if (file != NULL)
    fclose(file);
  const struct asset *asset = rc == UV_ENOENT || rc == UV_ENOTDIR ? assets_find(name) : NULL;
  if (asset == NULL)
    return rc == UV_ENOTDIR ? UV_ENOENT : rc;
  buf_append(text, asset->data, asset->len);
  return 0;
}
