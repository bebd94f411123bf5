#ifndef MOONLEDGER_CHECK_H
#define MOONLEDGER_CHECK_H

#include "options.h"

/* --check: tells every mistake that a start or a reload would find.  Returns the exit code. */
int check_main(const struct options *options);

/* Appends the mistakes to errors; true when there is none. */
bool check_files(const struct options *options, struct buf *errors);

/* The command "routes": method, path, file and summary of every route.  Returns the exit code. */
int check_print_routes(const struct options *options);

#endif
