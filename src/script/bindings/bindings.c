#include "script/bindings/bindings.h"

#include <stddef.h>

const struct binding bindings[] = {
  {"crypto", luaopen_crypto},
  {"json", luaopen_json},
  {"kv", luaopen_kv},
  {"log", luaopen_log},
  {"metrics", luaopen_metrics},
  {"price_file", luaopen_price_file},
  {"protobuf", luaopen_protobuf},
  {"sse", luaopen_sse},
  {"storage", luaopen_storage},
  {"zone", luaopen_zone},
  {NULL, NULL},
};
