#include <stdio.h>

#include "app.h"
#include "options.h"

int main(int argc, char **argv) {
  struct options options;
  if (!options_parse(&options, argc, argv))
    return 2;

  switch (options.command) {
  case COMMAND_SERVE:
    return app_serve(&options);
  case COMMAND_CHECK:
  case COMMAND_ROUTES:
  case COMMAND_IMPORT:
  case COMMAND_REPRICE:
    fprintf(stderr, "moonledger: not built in\n");
    return 2;
  case COMMAND_VERSION:
    printf("moonledger %s\n", MOONLEDGER_VERSION);
    return 0;
  case COMMAND_HELP:
    fputs(options_usage, stdout);
    return 0;
  }
  return 2;
}
