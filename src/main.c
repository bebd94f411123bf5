#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "import/import.h"
#include "init.h"
#include "options.h"
#include "script/reload/generation.h"

static int check(const struct options *options) {
  struct buf found = {0}, errors = {0};
  bool fine = generations_check(options->config, &options->overrides, &found, &errors);
  buf_complain(&errors);
  if (fine)
    printf("%s: fine\n%.*s", options->config, (int) found.len, found.data);
  buf_clear(&found);
  return fine ? 0 : 1;
}

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
    return check(&options);
  case COMMAND_ROUTES:
    return generations_print_routes(options.config, &options.overrides);
  case COMMAND_INIT:
    return init_main(options.folder);
  case COMMAND_IMPORT:
    return import_main(&options, argc, argv);
  case COMMAND_REPRICE:
    return reprice_main(&options, argc, argv);
  case COMMAND_VERSION:
    printf("moonledger %s\n", MOONLEDGER_VERSION);
    return 0;
  case COMMAND_HELP:
    fputs(options_usage, stdout);
    return 0;
  }
  return 2;
}
