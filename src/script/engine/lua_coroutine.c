#include <lauxlib.h>
#include <lualib.h>

#include "script/engine/sandbox.h"
#include "script/engine/state.h"

enum { MAX_DEPTH = 32, MAX_MADE = 100000 };

/* The script's own coroutines.  The library's resume knows nothing of a hook that yields:
 * here such a yield goes on through the resumers to the loop, so that a loop inside a
 * coroutine gives way and ends like any other. */

static lua_State *check_coroutine(lua_State *L, int index) {
  lua_State *co = lua_tothread(L, index);
  luaL_argexpected(L, co != NULL, index, "coroutine");
  return co;
}

/* What the server runs: a task's, and the one that files are loaded in.  Driven by a
 * script, it would run and end behind the server's back. */
static bool is_servers(lua_State *L, lua_State *co) {
  bool is_task = lua_rawgetp(L, LUA_REGISTRYINDEX, co) != LUA_TNIL;
  lua_pop(L, 1);
  return is_task || co == script_of(L)->L;
}

static int l_create(lua_State *L) {
  struct task *task = script_of(L)->running;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  if (task != NULL && ++task->coroutines > MAX_MADE)
    return luaL_error(L, "more than %d coroutines in one request", MAX_MADE);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}

/* Why co cannot be resumed, or NULL. */
static const char *refusal(lua_State *L, lua_State *co, int nargs) {
  struct task *task = script_of(L)->running;
  lua_Debug frame;
  int status = lua_status(co);
  if (is_servers(L, co))
    return "cannot resume the coroutine of a request or of every: only the server does";
  if (co == L || (status == LUA_OK && lua_getstack(co, 0, &frame)))
    return "cannot resume non-suspended coroutine";
  if ((status == LUA_OK && lua_gettop(co) == 0) || (status != LUA_OK && status != LUA_YIELD))
    return "cannot resume dead coroutine";
  if (task != NULL && task->depth >= MAX_DEPTH)
    return "coroutines resume each other too deep";
  return lua_checkstack(co, nargs) ? NULL : "too many arguments to resume";
}

static int on_resumed(lua_State *L, int status, lua_KContext nargs);

/* Runs co until it returns, raises or yields by its own will; then its results or error
 * are on its stack.  A yield of the hook leaves through L and comes back in on_resumed. */
static int resume(lua_State *L, lua_State *co, int nargs, int *nresults) {
  struct task *task = script_of(L)->running;
  if (task == NULL)
    return lua_resume(co, L, nargs, nresults);
  bool stuck = !lua_isyieldable(L);
  int status = LUA_OK;
  task->depth++;
  task->stuck += stuck;
  do {
    task->wait = WAIT_NOTHING;
    lua_State *before = knock_watch(co);
    status = lua_resume(co, L, nargs, nresults);
    knock_watch(before);
    nargs = 0;
  } while (status == LUA_YIELD && task->wait == WAIT_TURN && stuck);
  task->depth--;
  task->stuck -= stuck;
  if (status != LUA_YIELD || task->wait == WAIT_NOTHING)
    return status;
  return stuck ? luaL_error(L, "the script's time is up") : lua_yieldk(L, 0, 0, on_resumed);
}

/* Lua would run the __close handlers of a coroutine that the hook ended without hooks:
 * such a one stays as it is. */
static bool may_close(lua_State *L) {
  const struct script *script = script_of(L);
  return !script->overran_load && (script->running == NULL || script->running->end == TASK_GOES_ON);
}

/* L's stack: the coroutine, then whether errors raise (wrap) or are results (resume). */
static int deliver(lua_State *L, lua_State *co, int status, int nresults) {
  bool raises = lua_toboolean(L, 2);
  if (status != LUA_OK && status != LUA_YIELD) {
    if (raises && may_close(L))
      lua_resetthread(co);
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return raises ? lua_error(L) : 2;
  }
  if (!lua_checkstack(L, nresults + 1)) {
    lua_pop(co, nresults);
    return luaL_error(L, "too many results to resume");
  }
  lua_pushboolean(L, 1);
  lua_xmove(co, L, nresults);
  return raises ? nresults : nresults + 1;
}

static int on_resumed(lua_State *L, int status, lua_KContext context) {
  (void) context;
  int nresults;
  lua_State *co = lua_tothread(L, 1);
  status = resume(L, co, 0, &nresults);
  return deliver(L, co, status, nresults);
}

static int start_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  int nargs = lua_gettop(L) - 2, nresults;
  const char *why = refusal(L, co, nargs);
  if (why != NULL && lua_toboolean(L, 2))
    return luaL_error(L, "%s", why);
  if (why != NULL) {
    lua_pushboolean(L, 0);
    lua_pushstring(L, why);
    return 2;
  }
  lua_xmove(L, co, nargs);
  int status = resume(L, co, nargs, &nresults);
  return deliver(L, co, status, nresults);
}

static int l_resume(lua_State *L) {
  check_coroutine(L, 1);
  lua_pushboolean(L, 0);
  lua_insert(L, 2);
  return start_coroutine(L);
}

static int l_call_wrapped(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_pushboolean(L, 1);
  lua_insert(L, 2);
  return start_coroutine(L);
}

static int l_wrap(lua_State *L) {
  l_create(L);
  lua_pushcclosure(L, l_call_wrapped, 1);
  return 1;
}

static int l_yield(lua_State *L) {
  struct task *task = script_of(L)->running;
  if (task != NULL && task->co == L)
    return luaL_error(L, "attempt to yield from outside a coroutine");
  return lua_yield(L, lua_gettop(L));
}

static int l_close(lua_State *L) {
  lua_State *co = check_coroutine(L, 1);
  lua_Debug frame;
  int status = lua_status(co);
  if (is_servers(L, co))
    return luaL_error(
        L, "cannot close the coroutine of a request or of every: only the server does");
  if (co == L || (status == LUA_OK && lua_getstack(co, 0, &frame)))
    return luaL_error(L, "cannot close a running coroutine");
  if (!may_close(L))
    return luaL_error(L, "the script's time is up");
  if (lua_resetthread(co) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);
  return 2;
}

void lua_coroutine_open(lua_State *L) {
  static const luaL_Reg own[] = {{"create", l_create}, {"resume", l_resume}, {"wrap", l_wrap},
                                 {"yield", l_yield},   {"close", l_close},   {NULL, NULL}};
  lua_pushcfunction(L, luaopen_coroutine);
  lua_call(L, 0, 1);
  luaL_setfuncs(L, own, 0);
}
