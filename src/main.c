#include <stdio.h>

#include "app.h"
#include "check.h"
#include "command.h"
#include "config_place.h"
#include "init.h"
#include "options.h"
#include "version.h"

static int run(const struct options *options, const struct config_place *place, char **words,
               int count) {
  switch (options->command) {
  case COMMAND_SERVE:
    return app_serve(options, place);
  case COMMAND_CHECK:
    return check_main(options);
  case COMMAND_ROUTES:
    return check_print_routes(options);
  case COMMAND_LUA:
    return command_run(options, place, words, count);
  case COMMAND_INIT:
    return init_main(options->argument);
  case COMMAND_COMPLETION:
    return command_manual(options, place, "completion");
  case COMMAND_MAN:
    return command_manual(options, place, "man");
  case COMMAND_HELP:
    return command_manual(options, place, "help");
  case COMMAND_VERSION:
    fputs(version_text, stdout);
    return 0;
  }
  return 2;
}

int main(int argc, char **argv) {
  struct options options;
  struct config_place place;
  if (!options_parse(&options, argc, argv))
    return 2;
  if (!config_place_find(&place, options.config))
    return 1;
  options.config = place.file;
  options.overrides.data = place.data;
  int code = run(&options, &place, argv + options.first, argc - options.first);
  config_place_clear(&place);
  return code;
}
