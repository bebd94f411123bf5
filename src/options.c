#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char options_usage[] =
    "usage: moonledger [OPTIONS]                 serve\n"
    "       moonledger --check [FILE]            load config.lua and lua/, tell every "
    "error, exit\n"
    "       moonledger init [FOLDER]             write config.lua, lua/ and static/ out, "
    "to be edited\n"
    "       moonledger routes                    list method, path, file and summary of "
    "every route\n"
    "       moonledger COMMAND [--help] ...      one of those below\n"
    "\n"
    "  --config FILE        settings and routes (config.lua); files in its folder win "
    "over those in the program\n"
    "  --listen HOST:PORT   instead of listen in the config; port 0 takes a free one\n"
    "  --database PATH      instead of storage.path\n"
    "  --workers N          event loops, instead of workers\n"
    "  --check              see above\n"
    "  --version, --help\n";

static bool parse_workers(const char *text, unsigned *workers) {
  char *end;
  unsigned long n = strtoul(text, &end, 10);
  if (*text == '\0' || *end != '\0' || n < 1 || n > 64) {
    fprintf(stderr, "moonledger: --workers: expected a number from 1 to 64, got %s\n", text);
    return false;
  }
  *workers = (unsigned) n;
  return true;
}

static void name_config(struct options *options, const char *file) {
  options->config = file;
  options->config_named = true;
}

static bool parse_command(struct options *options, int argc, char **argv) {
  if (optind == argc)
    return true;
  const char *word = argv[optind];
  options->first = optind;
  if (options->command == COMMAND_CHECK && optind + 1 == argc)
    name_config(options, word);
  else if (options->command == COMMAND_SERVE && strcmp(word, "init") == 0 && argc - optind <= 2) {
    options->command = COMMAND_INIT;
    options->folder = optind + 1 < argc ? argv[optind + 1] : ".";
  } else if (options->command == COMMAND_SERVE && strcmp(word, "routes") == 0)
    options->command = COMMAND_ROUTES;
  else if (options->command == COMMAND_SERVE)
    options->command = COMMAND_LUA;
  else {
    fprintf(stderr, "moonledger: %s: unexpected argument; --help shows what there is\n", word);
    return false;
  }
  return true;
}

bool options_parse(struct options *options, int argc, char **argv) {
  static const struct option names[] = {
      {"config", required_argument, NULL, 'c'}, {"listen", required_argument, NULL, 'l'},
      {"database", required_argument, NULL, 'd'}, {"workers", required_argument, NULL, 'w'},
      {"check", no_argument, NULL, 'k'}, {"version", no_argument, NULL, 'v'},
      {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

  *options = (struct options) {.config = "config.lua", .first = argc};
  for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) != -1;) {
    if (c == 'c')
      name_config(options, optarg);
    else if (c == 'l')
      options->overrides.listen = optarg;
    else if (c == 'd')
      options->overrides.database = optarg;
    else if (c == 'k')
      options->command = COMMAND_CHECK;
    else if (c == 'v')
      options->command = COMMAND_VERSION;
    else if (c == 'h')
      options->command = COMMAND_HELP;
    else if (c != 'w' || !parse_workers(optarg, &options->overrides.workers))
      return false;
  }
  return parse_command(options, argc, argv);
}
