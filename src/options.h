#ifndef MOONLEDGER_OPTIONS_H
#define MOONLEDGER_OPTIONS_H

#include <stdbool.h>

#include "config.h"

enum what_to_do {
  COMMAND_SERVE,
  COMMAND_CHECK,
  COMMAND_ROUTES,
  COMMAND_INIT,
  COMMAND_LUA, /* of lua/commands: the word at first */
  COMMAND_COMPLETION,
  COMMAND_MAN,
  COMMAND_VERSION,
  COMMAND_HELP,
};

/* What the command line is made of: a row of the table from which it is parsed and from which
 * lua/lib/manual.lua makes the help, the man page and the completion. */
struct options_row {
  enum options_kind {
    ROW_WORD,    /* a command that is no file of lua/commands */
    ROW_OPTION,
    ROW_PLACE,   /* where config.lua is looked for, in this order */
    ROW_EXAMPLE,
    ROW_EXIT,
  } kind;
  const char *name;   /* "--config", "init"; of an example the line, of an exit its code */
  const char *value;  /* what stands for an option's value, a command's argument; NULL: none */
  const char *help;
  enum what_to_do command; /* of a word, and of an option that is one */
};

extern const struct options_row options_table[]; /* ended by a NULL name */
extern const char *const options_kinds[];        /* names of enum options_kind, for Lua */

/* The command line.  Texts belong to argv. */
struct options {
  enum what_to_do command;
  const char *config;   /* as it was named, or NULL; main.c then puts the one that is in force */
  const char *argument; /* of init: "." unless it is given; else NULL or the one that was given */
  struct config_overrides overrides;
  int first;            /* index in argv of the word of COMMAND_LUA */
};

/* false after a message on standard error. */
bool options_parse(struct options *options, int argc, char **argv);

#endif
