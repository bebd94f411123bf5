#ifndef MOONLEDGER_COMMAND_H
#define MOONLEDGER_COMMAND_H

#include "config_place.h"
#include "options.h"

/* Commands: lua/commands/WORD.lua, beside config.lua or built in, in a state and a process of their
 * own.  A file's shape: lua/commands/README.md. */

/* Runs words[0] with the others of the count.  The exit code; 2 when there is no such command,
 * after a message on standard error. */
int command_run(const struct options *options, const struct config_place *place, char **words,
                int count);

/* Prints what lua/lib/manual.lua makes of options_table and of all commands: "help", "man" or
 * "completion".  The exit code. */
int command_manual(const struct options *options, const struct config_place *place,
                   const char *what);

/* For the command_*.c that have modules of commands */

struct lua_State;

int luaopen_database(struct lua_State *L);
int luaopen_reading(struct lua_State *L); /* storage, to read the file */
int luaopen_command_upkeep(struct lua_State *L);

/* The settings in force, which are read when they are first asked for; the state's own.  Raises
 * what is wrong with config.lua. */
const struct config *command_config(struct lua_State *L);

#endif
