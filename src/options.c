#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of a kind, in the order of its enum. */
const char *const options_kinds[] = {"words", "options", "places", "examples", "exits", NULL};

#define WORD(name, value, help, command) {ROW_WORD, name, value, help, command}
#define OPTION(name, value, help) {ROW_OPTION, name, value, help, COMMAND_SERVE}
#define PLACE(name, help) {ROW_PLACE, name, NULL, help, COMMAND_SERVE}
#define EXAMPLE(line, help) {ROW_EXAMPLE, line, NULL, help, COMMAND_SERVE}
#define EXIT(code, help) {ROW_EXIT, code, NULL, help, COMMAND_SERVE}

const struct options_row options_table[] = {
    WORD("serve", NULL, "Serves until SIGTERM: what is done where no command stands.",
         COMMAND_SERVE),
    WORD("init", "[FOLDER]", "Writes config.lua, lua/ and static/ out, to be edited (.).",
         COMMAND_INIT),
    WORD("check", "[FILE]", "Tells every mistake that a start or a reload would find.",
         COMMAND_CHECK),
    WORD("routes", NULL, "Lists method, path, file and summary of every route.", COMMAND_ROUTES),
    WORD("completion", NULL, "Prints the line with which bash completes all this.",
         COMMAND_COMPLETION),
    WORD("man", NULL, "Prints the man page: moonledger man | man -l -.", COMMAND_MAN),
    WORD("help", NULL, "The same as --help and -h.", COMMAND_HELP),
    WORD("version", NULL, "The same as --version.", COMMAND_VERSION),

    OPTION("--config", "FILE", "settings and routes (looked for, see below)"),
    OPTION("--listen", "HOST:PORT", "instead of listen in it (127.0.0.1:8787); port 0: a free one"),
    OPTION("--database", "PATH", "instead of storage.path in it (data/moonledger.db)"),
    OPTION("--workers", "N", "event loops, instead of workers in it (by the number of cores)"),
    {ROW_OPTION, "--check", NULL, "the same as check", COMMAND_CHECK},
    {ROW_OPTION, "--version", NULL, "version, commit and libraries", COMMAND_VERSION},
    {ROW_OPTION, "--help", NULL, "this; after a command: of that one", COMMAND_HELP},

    PLACE("--config FILE", "that one, or none"),
    PLACE("$MOONLEDGER_CONFIG", "the same"),
    PLACE("./config.lua", "its data is where it says, beside it"),
    PLACE("~/.config/moonledger/config.lua", "relative paths of data begin in "
                                             "~/.local/share/moonledger"),
    PLACE("/etc/moonledger/config.lua", "relative paths of data begin in /var/lib/moonledger"),
    PLACE("the one in the program", "with its data in ~/.local/share/moonledger, unless "
                                    "./data/moonledger.db is there"),

    EXAMPLE("moonledger", "serve on http://127.0.0.1:8787"),
    EXAMPLE("moonledger init my && cd my && moonledger", "serve what you may edit"),
    EXAMPLE("moonledger usage daily --since 7d", "what a week has cost, from a terminal"),
    EXAMPLE("moonledger query status_code=400-599 --csv", "the newest failures as CSV"),

    EXIT("0", "it went well; health: the server is well"),
    EXIT("1", "it did not, and standard error says why"),
    EXIT("2", "the command line is wrong"),
    EXIT("3", "serve: something was left open at the end, a fault of the program"),
    {ROW_EXIT, NULL, NULL, NULL, COMMAND_SERVE},
};

static const struct options_row *find_row(enum options_kind kind, const char *name) {
  for (const struct options_row *row = options_table; row->name != NULL; row++)
    if (row->kind == kind && strcmp(row->name, name) == 0)
      return row;
  return NULL;
}

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

/* HOST:PORT, the host of which may stand in brackets. */
static bool parse_listen(const char *text, struct config_overrides *overrides) {
  const char *colon = strrchr(text, ':');
  char *end = NULL;
  long port = colon != NULL ? strtol(colon + 1, &end, 10) : -1;
  if (colon == NULL || end == colon + 1 || *end != '\0' || port < 0 || port > 65535) {
    fprintf(stderr,
            "moonledger: --listen: expected HOST:PORT, such as 127.0.0.1:8787 or [::1]:0, got %s\n",
            text);
    return false;
  }
  bool in_brackets = *text == '[' && colon - text > 1 && colon[-1] == ']';
  overrides->host = text + in_brackets;
  overrides->host_len = (size_t) (colon - text) - 2 * in_brackets;
  overrides->port = (uint16_t) port;
  return true;
}

static bool take_option(struct options *options, const struct options_row *row, const char *value) {
  if (row->value == NULL)
    options->command = row->command;
  else if (strcmp(row->name, "--config") == 0)
    options->config = value;
  else if (strcmp(row->name, "--listen") == 0)
    return parse_listen(value, &options->overrides);
  else if (strcmp(row->name, "--database") == 0)
    options->overrides.database = value;
  else
    return parse_workers(value, &options->overrides.workers);
  return true;
}

/* The word may be one of ours, whose options can stand behind it too; its argument; or a command
 * in Lua, to which the rest belongs: rest is then true. */
static bool take_word(struct options *options, const char *word, bool *named, bool *rest) {
  const struct options_row *row = find_row(ROW_WORD, word);
  if (row != NULL && !*named) {
    options->command = options->command == COMMAND_SERVE ? row->command : options->command;
    *named = true;
    *rest = row->command == COMMAND_COMPLETION; /* what bash tells there is in $COMP_LINE too */
  } else if (options->command == COMMAND_CHECK && options->config == NULL) {
    options->config = word;
  } else if (options->command == COMMAND_INIT && options->argument == NULL) {
    options->argument = word;
  } else if (options->command == COMMAND_SERVE && !*named) {
    options->command = COMMAND_LUA;
    *rest = true;
  } else {
    fprintf(stderr, "moonledger: %s: unexpected argument; --help shows what there is\n", word);
    return false;
  }
  return true;
}

enum { MAX_OPTIONS = 16 };

/* The rows as getopt wants them; val is 1 + the index of the row. */
static void list_options(struct option names[MAX_OPTIONS]) {
  size_t n = 0;
  for (const struct options_row *row = options_table; row->name != NULL; row++)
    if (row->kind == ROW_OPTION && n + 1 < MAX_OPTIONS)
      names[n++] =
          (struct option){row->name + 2, row->value != NULL, NULL, (int) (row - options_table) + 1};
  names[n] = (struct option){0};
}

bool options_parse(struct options *options, int argc, char **argv) {
  struct option names[MAX_OPTIONS];
  bool named = false, rest = false;
  list_options(names);
  *options = (struct options){.first = argc};
  while (!rest && optind < argc) {
    int c = getopt_long(argc, argv, "+h", names, NULL);
    if (c == '?')
      return false;
    if (c == 'h')
      options->command = COMMAND_HELP;
    else if (c > 0 && !take_option(options, &options_table[c - 1], optarg))
      return false;
    if (c == -1 && optind < argc) {
      options->first = optind;
      if (!take_word(options, argv[optind++], &named, &rest))
        return false;
    }
  }
  if (options->command == COMMAND_INIT && options->argument == NULL)
    options->argument = ".";
  return true;
}
