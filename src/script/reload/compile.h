#ifndef MOONLEDGER_SCRIPT_RELOAD_COMPILE_H
#define MOONLEDGER_SCRIPT_RELOAD_COMPILE_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "script/reload/snapshot.h"

/* Pushes a file's function, or why there is none; LUA_OK or the error. */
int compile_file(lua_State *L, const struct snapshot_file *file);

/* Whether the file is as it was when the program was built, and was right then. */
bool compiled_before(const struct snapshot_file *file);

/* Frees the texts of files that were compiled before: their memory serves the scripts.  Those of config.lua and
 * schema.lua stay, for mistakes are placed in them. */
void compile_free_texts(struct snapshot *snapshot);

/* config.lua and lua/ are in the program, compiled (src/precompile.c): a file that nobody has edited since the build is
 * spared Lua's compiler, which is most of a start and of a reload.  What counts is the text of the file as it is now.
 *
 * One file; name, NUL and code follow, and the next one at a multiple of COMPILED_ALIGN. */
struct compiled {
  uint64_t hash; /* of the text: hash_for_files */
  uint32_t name_size, code_len;
};

enum { COMPILED_ALIGN = 8 };

#endif
