#ifndef MOONLEDGER_CONFIG_RUN_H
#define MOONLEDGER_CONFIG_RUN_H

#include <lua.h>
#include <stdint.h>

#include "base/buf.h"

/* What Lua files about settings and schema may use: base without loaders, string, table,
 * math.  No file or process is in reach. */
void config_open_libs(lua_State *L);

/* The first run of config.lua or lua/schema.lua, in a process that has one thread: within
 * 64 MiB and half a second of CPU time.  Where that is over inside a function of C, the
 * process says so and ends.
 *
 * A state whose top is what the file returned, to be closed by config_close as soon as it
 * is read: until then the time runs.  The file is folder/file or, where there is none,
 * the program's own of the name.  hash is the text's.  NULL: see errors. */
lua_State *config_run(const char *folder, const char *file, const char *name, uint64_t *hash,
                      struct buf *errors);
void config_close(lua_State *L);

#endif
