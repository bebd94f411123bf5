#ifndef MOONLEDGER_CONFIG_PLACE_H
#define MOONLEDGER_CONFIG_PLACE_H

#include <stdbool.h>

/* Which config.lua is in force, and where its data is.  Folders of a person are those of the XDG
 * Base Directory Specification; $HOME says whose. */
struct config_place {
  char *file;      /* config.lua; "config.lua" where only the one in the program is left */
  const char *how; /* it was found: "--config", "$MOONLEDGER_CONFIG", "looked for", "built in" */
  char *data;      /* folder in which a relative storage.path begins; NULL: that of config.lua */
};

/* Looks where options.c says; named is --config or NULL.  False after a message on standard error:
 * what was named is not there. */
bool config_place_find(struct config_place *place, const char *named);
void config_place_clear(struct config_place *place);

/* The database of another place, which a start would have used; NULL: none is there.  The
 * caller's to free. */
char *config_place_other_database(const char *database);

#endif
