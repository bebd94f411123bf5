#ifndef MOONLEDGER_IMPORT_IMPORT_H
#define MOONLEDGER_IMPORT_IMPORT_H

#include "options.h"

/* Commands of main.c: argv from options->first on is theirs.  They answer the exit code. */
int import_main(const struct options *options, int argc, char **argv);
int reprice_main(const struct options *options, int argc, char **argv);

#endif
