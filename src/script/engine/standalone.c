#include "script/engine/standalone.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/mem.h"
#include "script/engine/state.h"

struct script *script_open_standalone(lua_State *L, struct loop *loop,
                                      const struct services *services) {
  struct script *script = xcalloc(1, sizeof *script);
  script->L = L;
  script->loop = loop;
  script->services = services;
  script->hook = script->prices = LUA_NOREF;
  memory_init(&script->memory, SIZE_MAX);
  script->running = xcalloc(1, sizeof *script->running);
  *script->running = (struct task){.script = script, .co = L, .grace = -1, .standalone = true};
  *(struct script **) lua_getextraspace(L) = script;
  return script;
}

void script_close_standalone(struct script *script) {
  if (script == NULL)
    return;
  *(struct script **) lua_getextraspace(script->L) = NULL;
  free(script->running);
  free(script);
}
