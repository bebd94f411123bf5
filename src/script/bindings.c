#include "script/bindings.h"

#include <stddef.h>

const struct binding bindings[] = {
  {"json", luaopen_json},
  {"log", luaopen_log},
  {NULL, NULL},
};
