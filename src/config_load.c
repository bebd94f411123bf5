#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_run.h"
#include "script/engine/schema_load.h"

struct config *config_load(const char *file, const struct config_overrides *overrides, struct buf *errors) {
  struct config *config = NULL;
  char *path = realpath(file, NULL);
  uint64_t hash;
  lua_State *L = path != NULL ? config_run(path, "config.lua", &hash, errors) : NULL;
  if (path == NULL)
    buf_printf(errors, "%s: %s; --config names another file\n", file, strerror(errno));
  if (L != NULL) {
    config = config_read(L, path, overrides, errors);
    config_close(L);
  }
  free(path);
  return config;
}

struct schema *config_load_schema(const struct config *config, struct buf *errors) {
  struct buf path = {0};
  struct schema *schema = NULL;
  uint64_t hash;
  buf_printf(&path, "%s/lua/schema.lua", config->root);
  buf_putc(&path, '\0');
  lua_State *L = config_run(path.data, "lua/schema.lua", &hash, errors);
  if (L != NULL) {
    schema = schema_load(L, errors);
    config_close(L);
  }
  if (schema != NULL)
    schema->text_hash = hash;
  buf_clear(&path);
  return schema;
}
