#ifndef MOONLEDGER_APP_H
#define MOONLEDGER_APP_H

#include "config_place.h"
#include "options.h"

/* Starts every part in order, serves until SIGTERM or SIGINT, stops them in the reverse
 * order.  Returns the exit code. */
int app_serve(const struct options *options, const struct config_place *place);

#endif
