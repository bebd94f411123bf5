#include "record/schema.h"

#include <lua.h>
#include <stdlib.h>

#include "base/mem.h"
#include "record/schema_names.h"
#include "record/schema_read.h"

static void index_names(struct schema *s) {
  s->nslots = 64;
  while (s->nslots < s->nnames * 4)
    s->nslots *= 2;
  s->slots = schema_keep(s, xcalloc(s->nslots, sizeof *s->slots));
  schema_index_names(s);
}

struct schema *schema_load(struct lua_State *L, struct buf *error) {
  static const char *const keys[] = {"columns", "event_keys", "events",   "measures",
                                     "sketch",  "rollups",    "families", NULL};
  struct schema *s = xcalloc(1, sizeof *s);
  struct schema_reader r = {.L = L, .schema = s, .error = error};
  s->id = s->time = s->duration = s->status = s->sketch = s->default_event = -1;

  if (!lua_istable(L, -1) || !lua_checkstack(L, 20)) {
    reader_fail(&r, "it", "must return a table");
    goto fail;
  }
  if (!reader_keys(&r, "it", keys) || !schema_read_columns(&r) || !schema_read_events(&r) ||
      !schema_read_sums(&r) || !schema_read_families(&r))
    goto fail;
  index_names(s);
  return s;

fail:
  schema_free(s);
  return NULL;
}

void schema_free(struct schema *s) {
  if (s == NULL)
    return;
  for (size_t i = 0; i < s->nmeasures; i++)
    conditions_unref(s->measures[i].when);
  for (size_t i = 0; i < s->nfamilies; i++)
    conditions_unref(s->families[i].when);
  void **blocks = (void **) s->blocks.data;
  for (size_t i = s->blocks.len / sizeof *blocks; i > 0; i--)
    free(blocks[i - 1]);
  buf_clear(&s->blocks);
  free(s);
}
