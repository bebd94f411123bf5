#include "script/engine/script.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "script/engine/generation.h"
#include "script/engine/handler.h"
#include "script/engine/lua_timer.h"
#include "script/engine/state.h"
#include "script/engine/task.h"

static int on_panic(lua_State *L) {
  log_error("Lua raised where nothing protects", log_str("message", lua_tostring(L, -1)));
  abort();
}

struct script *script_new(struct generation *generation, struct loop *loop, struct scripts *scripts,
                          const struct services *services, size_t memory_bytes) {
  struct script *script = xcalloc(1, sizeof *script);
  script->generation = generation;
  script->loop = loop;
  script->scripts = scripts;
  script->services = services;
  script->hook = script->prices = script->content = LUA_NOREF;
  memory_init(&script->memory, memory_bytes);
  script->L = lua_newstate(memory_alloc, &script->memory);
  if (script->L == NULL)
    abort();
  *(struct script **) lua_getextraspace(script->L) = script;
  lua_atpanic(script->L, on_panic);
  return script;
}

void script_free(struct script *script) {
  if (script == NULL)
    return;
  timers_stop(script);
  tasks_clear(script);
  if (script->prev != NULL) {
    *script->prev = script->next;
    if (script->next != NULL)
      script->next->prev = script->prev;
  }
  lua_close(script->L);
  memory_free_spare(&script->memory);
  for (size_t i = 0; i < script->nhandlers; i++)
    free(script->handlers[i].summary);
  free(script->handlers);
  free(script);
}

struct script *script_of(lua_State *L) {
  return *(struct script **) lua_getextraspace(L);
}

const struct settings *script_settings(lua_State *L) {
  return script_of(L)->generation->settings;
}

const struct services *script_services(lua_State *L) {
  return script_of(L)->services;
}

struct loop *script_loop(lua_State *L) {
  return script_of(L)->loop;
}

static bool push_reference(lua_State *L, int reference) {
  if (reference == LUA_NOREF)
    return false;
  lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
  return true;
}

bool script_push_hook(lua_State *L) {
  return push_reference(L, script_of(L)->hook);
}

bool script_push_prices(lua_State *L) {
  return push_reference(L, script_of(L)->prices);
}

void script_push_content(lua_State *L) {
  push_reference(L, script_of(L)->content);
}

void script_register(struct script *script) {
  struct scripts *scripts = script->scripts;
  script->next = scripts->list;
  script->prev = &scripts->list;
  if (script->next != NULL)
    script->next->prev = &script->next;
  scripts->list = script;
  if (scripts->knock == NULL)
    scripts->knock = knock_start();
}

void script_handle(struct site *site, struct request *r) {
  struct generation *generation = container_of(site, struct generation, site);
  task_start(generation->scripts[r->loop->index], r, NULL, handler_run);
}
