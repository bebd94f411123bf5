#ifndef MOONLEDGER_OPTIONS_H
#define MOONLEDGER_OPTIONS_H

#include <stdbool.h>

#include "config.h"

enum command {
  COMMAND_SERVE,
  COMMAND_CHECK,
  COMMAND_ROUTES,
  COMMAND_INIT,
  COMMAND_LUA, /* of lua/commands: the word at first */
  COMMAND_VERSION,
  COMMAND_HELP,
};

/* The command line.  Texts belong to argv. */
struct options {
  enum command command;
  const char *config;  /* "config.lua" */
  bool config_named;   /* it has to be there then */
  const char *folder;  /* of init: "." */
  struct config_overrides overrides;
  int first;           /* index in argv of the command's word */
};

/* false after a message on standard error. */
bool options_parse(struct options *options, int argc, char **argv);

extern const char options_usage[];

#endif
