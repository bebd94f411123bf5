/* config.lua and lua/schema.lua from their files, at the start. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "config.h"
#include "config_run.h"
#include "script/engine/schema_load.h"

struct config *config_load(const char *file, const struct config_overrides *overrides,
                           struct buf *errors) {
  struct config *config = NULL;
  char *path = file_path(file), *slash = path != NULL ? strrchr(path, '/') : NULL;
  uint64_t hash;
  if (path == NULL) {
    buf_printf(errors, "%s: %s; --config names another file\n", file, strerror(errno));
    return NULL;
  }
  *slash = '\0';
  lua_State *L = config_run(path, slash + 1, "config.lua", &hash, errors);
  *slash = '/';
  if (L != NULL) {
    config = config_read(L, path, overrides, errors);
    config_close(L);
  }
  free(path);
  return config;
}

struct schema *config_load_schema(const struct config *config, struct buf *errors) {
  struct schema *schema = NULL;
  uint64_t hash;
  lua_State *L = config_run(config->root, "lua/schema.lua", "lua/schema.lua", &hash, errors);
  if (L != NULL) {
    schema = schema_load(L, errors);
    config_close(L);
  }
  if (schema == NULL)
    return NULL;
  schema->text_hash = hash;
  for (size_t i = 0; i < config->metrics.labels.count; i++) {
    const char *label = config->metrics.labels.items[i];
    if (schema_add_label(schema, label))
      continue;
    buf_printf(errors, "config.lua: metrics.labels: lua/schema.lua has no column \"%s\"\n", label);
    schema_free(schema);
    return NULL;
  }
  return schema;
}
