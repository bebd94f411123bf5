#include "fuzz_lua.h"
#include "record/ndjson.h"
#include "schema_fixture.h"
#include "script/bindings/lua_batch.h"

/* Decoders in Lua, and the way of their records into a batch, out as JSON and in again. */

static struct schema *fuzz_schema;

static void fuzz_take_records(lua_State *L) {
  struct batch *b = batch_new(fuzz_schema), *again = batch_new(fuzz_schema);
  struct buf scratch = {0}, lines = {0};
  static const struct record_limits limits = {.record_bytes = 1 << 24, .depth = 100};
  for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TTABLE; i++) {
    lua_batch_add(L, lua_gettop(L), b, (uint32_t) i, &scratch, 1750000000000000);
    lua_pop(L, 1);
  }
  for (size_t i = 0; i < b->count; i++) {
    record_write_json(&lines, fuzz_schema, batch_record(b, i), &b->text, true);
    buf_putc(&lines, '\n');
  }
  FUZZ_CHECK(batch_scan(again, &lines, FORMAT_NDJSON, &limits, 1) == 0);
  FUZZ_CHECK(again->count == b->count);
  batch_free(b);
  batch_free(again);
  buf_clear(&scratch);
  buf_clear(&lines);
}

/* file returns a function of bytes and choice, which gives records. */
static void fuzz_ingest(const char *file, struct fuzz_input in, int choice) {
  static lua_State *L;
  if (L == NULL) {
    fuzz_schema = load_schema();
    L = fuzz_lua_open(file);
  }
  fuzz_lua_call(L, in, choice);
  fuzz_take_records(L);
}
