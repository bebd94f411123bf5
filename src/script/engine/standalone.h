#ifndef MOONLEDGER_SCRIPT_ENGINE_STANDALONE_H
#define MOONLEDGER_SCRIPT_ENGINE_STANDALONE_H

#include <lua.h>

struct loop;
struct script;
struct services;

/* Lets bindings run in a state that somebody else has made, as commands do: what waits does so
 * where it stands, and the loop, which nobody else runs, turns meanwhile.  No limits, no reloads.
 * loop and services outlive it. */
struct script *script_open_standalone(lua_State *L, struct loop *loop,
                                      const struct services *services);
void script_close_standalone(struct script *script); /* before lua_close or in it; NULL is fine */

#endif
