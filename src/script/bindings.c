#include "script/bindings.h"

#include <stddef.h>

const struct binding bindings[] = {
  {"json", luaopen_json},
  {"kv", luaopen_kv},
  {"log", luaopen_log},
  {"metrics", luaopen_metrics},
  {"sse", luaopen_sse},
  {"storage", luaopen_storage},
  {NULL, NULL},
};
