#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "record/ndjson.h"
#include "script/engine/schema_load.h"

/* scan_probe FILE [SECONDS]: how many records of an NDJSON file one core scans in a
 * second, in batches of 1000 lines. */

static struct schema *load_schema(void) {
  struct buf error = {0};
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  struct schema *schema = luaL_dofile(L, "lua/schema.lua") == LUA_OK
                              ? schema_load(L, &error)
                              : NULL;
  if (schema == NULL)
    exit(fprintf(stderr, "%.*s\n", (int) error.len, error.data));
  lua_close(L);
  return schema;
}

static struct buf read_file(const char *path) {
  struct buf text = {0};
  FILE *f = fopen(path, "r");
  if (f == NULL)
    exit(fprintf(stderr, "%s: cannot be read\n", path));
  for (size_t n = 1; n > 0; text.len += n)
    n = fread(buf_reserve(&text, 65536), 1, 65536, f);
  fclose(f);
  return text;
}

static size_t lines_end(const struct buf *text, size_t offset, int lines) {
  while (lines-- > 0 && offset < text->len) {
    const char *newline = memchr(text->data + offset, '\n', text->len - offset);
    offset = newline != NULL ? (size_t) (newline - text->data) + 1 : text->len;
  }
  return offset;
}

int main(int argc, char **argv) {
  static const struct record_limits limits = {.record_bytes = 1 << 20, .depth = 64};
  if (argc < 2)
    return fprintf(stderr, "usage: scan_probe FILE [SECONDS]\n"), 2;
  struct schema *schema = load_schema();
  struct buf text = read_file(argv[1]);
  double seconds = argc > 2 ? atof(argv[2]) : 2;
  size_t records = 0, bytes = 0;
  int64_t spent = 0;

  while ((double) spent < seconds * 1e9) {
    for (size_t offset = 0, end; offset < text.len; offset = end) {
      struct buf body = {0};
      struct batch *b = batch_new(schema);
      end = lines_end(&text, offset, 1000);
      buf_reserve(&body, end - offset + 256);
      buf_append(&body, text.data + offset, end - offset);
      int64_t start = clock_thread_cpu_ns();
      batch_scan(b, &body, FORMAT_NDJSON, &limits, 1);
      spent += clock_thread_cpu_ns() - start;
      records += b->count;
      bytes += end - offset;
      batch_free(b);
    }
  }
  printf("%.0f records/s, %.0f MB/s\n", (double) records / (double) spent * 1e9,
         (double) bytes / (double) spent * 1e3);
  buf_clear(&text);
  schema_free(schema);
  return 0;
}
