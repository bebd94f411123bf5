#ifndef MOONLEDGER_SCRIPT_COMMANDS_MODULES_H
#define MOONLEDGER_SCRIPT_COMMANDS_MODULES_H

#include <lua.h>

#include "config.h"
#include "script/bindings/bindings.h"

/* The modules that commands have and routes have not; ended by a NULL name. */
extern const struct binding command_modules[];

int luaopen_client(lua_State *L);   /* lua_client.c */
int luaopen_database(lua_State *L); /* lua_database.c */
int luaopen_env(lua_State *L);      /* lua_env.c */
int luaopen_file(lua_State *L);     /* lua_file.c */
int luaopen_term(lua_State *L);     /* lua_term.c */

/* The settings in force, which command.c reads when they are first asked for; the state's own.  Raises what is wrong
 * with config.lua. */
const struct config *command_config(lua_State *L);

/* Wipes the line of progress, so that what is printed does not stand behind it. */
void term_wipe(void);

/* Pushes nil and a message, for return. */
int push_fault(lua_State *L, const char *subject, const char *why);

#endif
