#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "check.h"
#include "command.h"
#include "init.h"
#include "options.h"

int main(int argc, char **argv) {
  struct options options;
  if (!options_parse(&options, argc, argv))
    return 2;
  if (options.config_named && access(options.config, F_OK) < 0) {
    fprintf(stderr, "%s: %s; --config names another file\n", options.config, strerror(errno));
    return 1;
  }

  switch (options.command) {
  case COMMAND_SERVE:
    return app_serve(&options);
  case COMMAND_CHECK:
    return check_main(&options);
  case COMMAND_ROUTES:
    return check_print_routes(&options);
  case COMMAND_LUA:
    return command_run(options.config, &options.overrides, argv[options.first],
                       argv + options.first + 1, argc - options.first - 1);
  case COMMAND_INIT:
    return init_main(options.folder);
  case COMMAND_VERSION:
    printf("moonledger %s\n", MOONLEDGER_VERSION);
    return 0;
  case COMMAND_HELP:
    fputs(options_usage, stdout);
    command_list(options.config, &options.overrides);
    return 0;
  }
  return 2;
}
