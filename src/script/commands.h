#ifndef MOONLEDGER_SCRIPT_COMMANDS_H
#define MOONLEDGER_SCRIPT_COMMANDS_H

#include <lua.h>
#include <stdbool.h>

/* The modules that commands (lua/commands/README.md) have and routes have not.  They block their
 * thread. */
int luaopen_client(lua_State *L); /* lua_client.c */
int luaopen_env(lua_State *L);    /* lua_env.c; what config.lua says is added by command.c */
int luaopen_file(lua_State *L);   /* lua_file.c */
int luaopen_term(lua_State *L);   /* lua_term.c */

/* Whether a module is one of these, or the database of command_database.c. */
bool is_command_module(const char *name);

/* Wipes the line of progress, so that what is printed does not stand behind it. */
void term_wipe(void);

/* Pushes nil and "subject: why", for return. */
int push_fault(lua_State *L, const char *subject, const char *why);

#endif
