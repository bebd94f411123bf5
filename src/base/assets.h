#ifndef MOONLEDGER_BASE_ASSETS_H
#define MOONLEDGER_BASE_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* The files that travel in the program, as they were when it was built: config.lua, lua/
 * and static/.  A file of the user's own, in the folder of config.lua, wins over the one
 * of the same name.  Constant; any thread. */
struct asset {
  const char *name; /* "config.lua", "lua/schema.lua", "static/docs/index.html" */
  const char *data; /* a NUL stands behind it */
  size_t len;
};

const struct asset *assets_find(const char *name); /* NULL: there is none */
bool assets_have(const char *name, const char *text, size_t len); /* exactly this */
const struct asset *assets_all(size_t *count);     /* by name */
bool asset_is_for_people(const struct asset *asset); /* else made by a machine, and not for init */

/* Appends folder/NAME to text when that file exists, else the built-in one.  0 or UV_E;
 * UV_ENOENT: there is neither. */
int assets_read(const char *folder, const char *name, struct buf *text);

#endif
