#include <stdio.h>

#include "app.h"
#include "command.h"
#include "options.h"
#include "script/reload/generation.h"

static int check(const struct options *options) {
  struct buf errors = {0};
  bool fine = generations_check(options->config, &options->overrides, &errors);
  buf_complain(&errors);
  if (fine)
    printf("%s: fine\n", options->config);
  return fine ? 0 : 1;
}

int main(int argc, char **argv) {
  struct options options;
  if (!options_parse(&options, argc, argv))
    return 2;

  switch (options.command) {
  case COMMAND_SERVE:
    return app_serve(&options);
  case COMMAND_CHECK:
    return check(&options);
  case COMMAND_ROUTES:
    return generations_print_routes(options.config, &options.overrides);
  case COMMAND_LUA:
    return command_run(options.config, &options.overrides, argv[options.first], argv + options.first + 1,
                       argc - options.first - 1);
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
