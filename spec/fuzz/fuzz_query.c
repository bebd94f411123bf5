#include "fuzz_lua.h"
#include "record/ndjson.h"
#include "schema_fixture.h"
#include "script/engine/condition_read.h"

/* Input: a query string.  What its route makes of it are conditions that storage and the
 * hub take. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static lua_State *L;
  static struct schema *schema;
  struct buf error = {0};
  if (L == NULL) {
    schema = load_schema();
    L = fuzz_lua_open("spec/fuzz/query.lua");
  }
  fuzz_lua_call(L, fuzz_input(bytes, size), 0);
  if (lua_isnil(L, -1))
    return 0;
  struct conditions *where = conditions_read(L, -1, schema, &error);
  FUZZ_CHECK(where != NULL);
  conditions_unref(where);
  return 0;
}
