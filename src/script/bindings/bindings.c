#include "script/bindings/bindings.h"

#include <stddef.h>

#include "script/bindings/lua_content.h"

const struct binding bindings[] = {
  {"content", luaopen_content},
  {"crypto", luaopen_crypto},
  {"http", luaopen_http},
  {"json", luaopen_json},
  {"kv", luaopen_kv},
  {"log", luaopen_log},
  {"metrics", luaopen_metrics},
  {"otlp", luaopen_otlp},
  {"price_file", luaopen_price_file},
  {"protobuf", luaopen_protobuf},
  {"sse", luaopen_sse},
  {"storage", luaopen_storage},
  {"upkeep", luaopen_upkeep},
  {"zone", luaopen_zone},
  {NULL, NULL},
};
