#include "script/sandbox.h"

void lua_pattern_open(lua_State *L) {
  (void) L;
}
