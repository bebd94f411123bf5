#ifndef MOONLEDGER_COMMAND_H
#define MOONLEDGER_COMMAND_H

#include "config.h"

/* Commands: lua/commands/WORD.lua, beside config.lua or built in, in a state and a process of their
 * own.  A file's shape: lua/commands/README.md. */

/* Runs word with the count words that follow it on the command line.  The exit code; 2 when there
 * is no such command, after a message on standard error. */
int command_run(const char *config_file, const struct config_overrides *overrides, const char *word,
                char **words, int count);

/* Prints every command with its summary. */
void command_list(const char *config_file, const struct config_overrides *overrides);

/* ---- For command_database.c and command_upkeep.c ---- */

struct lua_State;

int luaopen_database(struct lua_State *L);
int luaopen_command_upkeep(struct lua_State *L);

/* The settings in force, which are read when they are first asked for; the state's own.  Raises
 * what is wrong with config.lua. */
const struct config *command_config(struct lua_State *L);

#endif
