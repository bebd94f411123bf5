#include <assert.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "record/ndjson.h"

/* libFuzzer target of the scanner: the first byte chooses the format, the rest is the body.  Built by ./run
 * fuzz as clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -std=gnu17 -Isrc $(pkg-config
 * --cflags lua5.4 libuv) spec/fuzz/scan_fuzz.c src/record/[a-z]*.c src/base/[a-z]*.c $(pkg-config --libs
 * lua5.4 libuv) -lm and run in the root of the source tree, where lua/schema.lua is. */

static struct schema *schema;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void) argc, (void) argv;
  struct buf error = {0};
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  schema = luaL_dofile(L, "lua/schema.lua") == LUA_OK ? schema_load(L, &error) : NULL;
  if (schema == NULL)
    exit(fprintf(stderr, "%.*s\n", (int) error.len, error.data));
  lua_close(L);
  return 0;
}

/* What was taken must be writable as JSON that scans again to as many records. */
static void scan_again(const struct batch *b, const struct record_limits *limits) {
  struct buf rows = {0};
  struct record_limits wide = {.record_bytes = limits->record_bytes * 8 + 4096, .depth = limits->depth + 2};
  for (size_t i = 0; i < b->count; i++) {
    record_write_json(&rows, schema, batch_record(b, i), &b->text, true);
    buf_putc(&rows, '\n');
    record_write_event(&rows, schema, batch_record(b, i), &b->text, 1);
    buf_putc(&rows, '\n');
  }
  struct batch *again = batch_new(schema);
  assert(batch_scan(again, &rows, FORMAT_NDJSON, &wide, 1) == 0);
  assert(again->sent == 2 * b->count && again->rejected == 0);
  batch_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  static const struct record_limits limits = {.record_bytes = 2000, .depth = 20};
  struct buf body = {0};
  if (len == 0)
    return 0;
  buf_append(&body, data + 1, len - 1);
  struct batch *b = batch_new(schema);
  int rc = batch_scan(b, &body, data[0] & 1 ? FORMAT_NDJSON : FORMAT_JSON, &limits, 1);
  assert(b->count + b->rejected == b->sent);
  assert(rc == 0 || (b->count == 0 && b->nerrors == 1));
  scan_again(b, &limits);
  for (size_t i = 0; i < b->count; i++)
    record_read_extra(b, batch_record(b, i));
  batch_free(b);
  return 0;
}
